//! What readers of SARIF hold a report to.
