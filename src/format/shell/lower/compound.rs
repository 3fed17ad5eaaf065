//! Compound commands and functions: `if`, `case`, loops, `[[ … ]]`.

use std::sync::Arc;

use bstr::BString;
use shuck_ast as ast;

use super::Lower;
use crate::format::shell::strict;
use crate::format::shell::tree::{Arm, ArmEnd, Condition, Kind, Part, Simple, Word};
use crate::format::shell::word::Context;
use crate::format::shell::{Dialect, is_name, is_name_start};

impl Lower<'_> {
    pub(super) fn compound(&mut self, command: &ast::CompoundCommand) -> Kind {
        use ast::CompoundCommand as C;
        match command {
            C::If(c) => self.choice(c),
            C::For(c) => self.each(c),
            C::ArithmeticFor(c) => {
                self.only_bash(true, true, "`for ((` is not known to this shell", c.span);
                let part = |span: Option<ast::Span>| span.map(|s| self.text(s, Context::Double)).unwrap_or_default();
                let control = [part(c.init_span), part(c.condition_span), part(c.step_span)];
                Kind::Count { control, body: self.list(&c.body) }
            }
            C::While(c) => Kind::Loop {
                until: false,
                condition: self.some(&c.condition, c.span),
                body: self.some(&c.body, c.span),
            },
            C::Until(c) => {
                Kind::Loop { until: true, condition: self.some(&c.condition, c.span), body: self.some(&c.body, c.span) }
            }
            C::Case(c) => self.case(c),
            C::Subshell(list) => Kind::Subshell(self.some(list, list.span)),
            C::BraceGroup(list) => Kind::Group(self.some(list, list.span)),
            C::Arithmetic(c) => {
                let inner = c.expr_span.map(|s| self.slice(s)).unwrap_or_default();
                if self.place.dialect != Dialect::Bash {
                    if inner.iter().any(|b| b"();|&<>`'\"".contains(b)) {
                        self.note(false, "`((` is not known to this shell", c.span);
                    }
                    return Kind::Other("`((`");
                }
                Kind::Arithmetic(c.expr_span.map(|s| self.text(s, Context::Double)).unwrap_or_default())
            }
            C::Time(c) => self.time(c),
            C::Conditional(c) => self.test(c),
            C::Select(c) => {
                self.only_bash(true, true, "`select` is not known to this shell", c.span);
                Kind::Other("`select`")
            }
            C::Coproc(c) => {
                self.only_bash(false, false, "`coproc` is not known to this shell", c.span);
                Kind::Other("`coproc`")
            }
            C::Repeat(_) | C::Foreach(_) | C::Always(_) => Kind::Other("a loop of another shell"),
        }
    }

    /// `time` is a reserved word in bash only.
    fn time(&mut self, command: &ast::TimeCommand) -> Kind {
        let timed = command.command.as_ref().map(|c| self.boxed(c));
        if self.place.dialect == Dialect::Bash {
            return Kind::Time(timed);
        }
        let mut words = vec![Word { parts: vec![Part::Plain("time".into())], span: self.span(command.span) }];
        match timed.map(|c| c.kind) {
            None => {}
            Some(Kind::Simple(simple)) if simple.assignments.is_empty() => words.extend(simple.words),
            Some(Kind::Simple(_) | Kind::Pipeline(_) | Kind::Not(_)) => return Kind::Other("`time`"),
            Some(_) => self.only_bash(true, true, "`time` is a command like any other in this shell", command.span),
        }
        Kind::Simple(Simple { assignments: Vec::new(), words })
    }

    /// `[[` is a name like any other in dash.
    fn test(&mut self, command: &ast::ConditionalCommand) -> Kind {
        let Some(condition) = self.condition(&command.expression) else { return Kind::Other("`[[`") };
        match self.place.dialect {
            Dialect::Bash => Kind::Test(Box::new(condition)),
            dialect => {
                let inner = self.slice(command.span);
                match strict::brackets(inner, dialect) {
                    Some((true, what)) => self.note(true, what, command.span),
                    Some((false, what)) => return Kind::Other(what),
                    None => {}
                }
                if dialect == Dialect::Ash {
                    return Kind::Test(Box::new(condition));
                }
                let span = self.span(command.left_bracket_span);
                let words = vec![Word { parts: vec![Part::Plain("[[".into())], span }];
                Kind::Simple(Simple { assignments: Vec::new(), words })
            }
        }
    }

    fn choice(&mut self, command: &ast::IfCommand) -> Kind {
        let span = command.span;
        let mut arms = vec![(self.some(&command.condition, span), self.some(&command.then_branch, span))];
        arms.extend(command.elif_branches.iter().map(|(c, b)| (self.some(c, span), self.some(b, span))));
        let otherwise = command.else_branch.as_ref().map(|b| self.some(b, span)).unwrap_or_default();
        Kind::If { arms, otherwise }
    }

    fn each(&mut self, command: &ast::ForCommand) -> Kind {
        let [target] = command.targets.as_slice() else { return Kind::Other("`for` of several variables") };
        if matches!(command.syntax, ast::ForSyntax::InBrace { .. } | ast::ForSyntax::ParenBrace { .. }) {
            self.only_bash(true, true, "expected `do`", command.span);
        }
        let name: BString = self.slice(target.span).into();
        let proper = name.first().is_some_and(|b| is_name_start(*b)) && name.iter().all(|b| is_name(*b));
        if !proper {
            self.only_bash(true, true, "bad variable of a `for` loop", target.span);
            return Kind::Other("`for` of a name that is none");
        }
        let words = command.words.as_ref().map(|words| self.words(words));
        Kind::For { name, words, body: self.list(&command.body) }
    }

    fn case(&mut self, command: &ast::CaseCommand) -> Kind {
        let word = self.word(&command.word);
        command.cases.iter().for_each(|c| self.check_patterns(c, command.span));
        let arms = command.cases.iter().map(|c| self.arm(c)).collect();
        Kind::Case { word, arms }
    }

    /// An arm has a pattern, and one behind each `|`.
    fn check_patterns(&mut self, arm: &ast::CaseItem, case: ast::Span) {
        let behind = |p: &ast::Pattern| self.text.get(p.span.end.offset()..).unwrap_or_default();
        let ends = |p: &ast::Pattern| !behind(p).trim_ascii_start().starts_with(b"|");
        if !arm.patterns.last().is_some_and(ends) {
            self.note(true, "a pattern is expected", case);
        }
    }

    fn arm(&mut self, arm: &ast::CaseItem) -> Arm {
        let end = match arm.terminator {
            ast::CaseTerminator::Break => ArmEnd::Leave,
            ast::CaseTerminator::FallThrough => ArmEnd::Enter,
            ast::CaseTerminator::Continue | ast::CaseTerminator::ContinueMatching => ArmEnd::Match,
        };
        if let (Some(span), true) = (arm.terminator_span, end != ArmEnd::Leave) {
            self.only_bash(true, true, "`;&` is not known to this shell", span);
        }
        let patterns = arm.patterns.iter().map(|p| self.pattern(p)).collect();
        Arm { patterns, body: self.list(&arm.body), end }
    }

    fn pattern(&mut self, pattern: &ast::Pattern) -> Word {
        let word = self.text(pattern.span, Context::Word);
        self.check_word(&word, pattern.span);
        word
    }

    pub(super) fn function(&mut self, function: &ast::FunctionDef) -> Kind {
        let header = &function.header;
        if let (Some(span), Dialect::Dash) = (header.function_keyword_span, self.place.dialect) {
            self.note(true, "`function` is not known to this shell", span);
        }
        let [entry] = header.entries.as_slice() else { return Kind::Other("a function of several names") };
        let name: BString = self.slice(entry.word.span).into();
        self.function_name(&name, entry.word.span);
        let body = self.command(&function.body);
        let compound = !matches!(body.kind, Kind::Simple(_));
        if !compound && self.place.dialect == Dialect::Bash {
            self.note(true, "a function needs a compound command", function.body.span);
        }
        Kind::Function { name, body: Arc::new(body) }
    }

    fn function_name(&mut self, name: &BString, span: ast::Span) {
        const SPECIAL: &str = ". : break continue eval exec exit export readonly return set shift times trap unset";
        let proper = name.first().is_some_and(|b| is_name_start(*b)) && name.iter().all(|b| is_name(*b));
        if !proper || SPECIAL.split(' ').any(|s| s.as_bytes() == name.as_slice()) {
            self.only_bash(true, true, "bad function name", span);
        }
    }

    pub(super) fn condition(&mut self, expression: &ast::ConditionalExpr) -> Option<Condition> {
        use ast::ConditionalExpr as E;
        Some(match expression {
            E::Parenthesized(inner) => self.condition(&inner.expr)?,
            E::Word(word) => Condition::Word(self.word(word)),
            E::Unary(unary) if unary.op == ast::ConditionalUnaryOp::Not => {
                Condition::Not(Box::new(self.condition(&unary.expr)?))
            }
            E::Unary(unary) => Condition::Unary(self.slice(unary.op_span).into(), self.operand(&unary.expr)?),
            E::Binary(binary) => self.both(binary)?,
            E::Pattern(_) | E::Regex(_) | E::VarRef(_) => return None,
        })
    }

    fn both(&mut self, binary: &ast::ConditionalBinaryExpr) -> Option<Condition> {
        Some(match binary.op {
            ast::ConditionalBinaryOp::And => {
                Condition::And(Box::new(self.condition(&binary.left)?), Box::new(self.condition(&binary.right)?))
            }
            ast::ConditionalBinaryOp::Or => {
                Condition::Or(Box::new(self.condition(&binary.left)?), Box::new(self.condition(&binary.right)?))
            }
            _ => {
                let operator = self.slice(binary.op_span).into();
                Condition::Binary(operator, self.operand(&binary.left)?, self.operand(&binary.right)?)
            }
        })
    }

    fn operand(&mut self, expression: &ast::ConditionalExpr) -> Option<Word> {
        use ast::ConditionalExpr as E;
        Some(match expression {
            E::Word(word) => self.word(word),
            E::Regex(word) => self.text(word.span, Context::Word),
            E::Pattern(pattern) => self.text(pattern.span, Context::Word),
            E::VarRef(name) => self.text(name.span, Context::Word),
            _ => return None,
        })
    }
}
