//! What the machine code of a file does with signals: with which numbers it calls the functions that set handlers.
//!
//! Nearly every program names its signals where it calls signal(2) or sigaction(2), or a function of its own that does;
//! compilers load such a constant right before the call. So calls are found by their targets and constants by what is
//! loaded before them; there is no need to understand the code between. Programs that go through a table are `Unclear`.

mod functions;
mod instructions;
mod reach;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::convert::Infallible;

use bstr::ByteSlice;
use goblin::elf::header::EM_X86_64;
use serde::{Deserialize, Serialize};

use super::file::Segments;
use functions::{Function, Functions, Role};
use instructions::{Register, Text, Value};

/// The most code that is searched.
const CODE: u64 = 48 << 20;
/// The longest function that is looked at as one that passes a signal on.
const PASSING: usize = 2048;
/// How deep such functions may lie.
const ROUNDS: usize = 2;
/// The longest handler.
const HANDLER: u64 = 256;
/// Calls of one file that have to do with signals.
const SITES: usize = 4096;

/// What a file's code says of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It sets a handler.
    Handles,
    /// It waits for the signal, which it has put into a set.
    Waits,
    /// It ignores the signal, or sets its default.
    Discards,
    /// It ignores the signal.
    Ignores,
    /// Its handler does nothing.
    Returns,
    /// Its handler sets the default, and sends the signal to itself.
    Resends,
    /// It names the signals that it deals with, and this is none of them.
    Nothing,
    /// Some number that it hands on is not visible.
    Unclear,
}

/// A call of a function that has to do with signals.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Site {
    address: u64,
    role: Role,
    signal: Option<u32>,
    handler: Handler,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Handler {
    /// It may be one.
    Own,
    /// SIG_DFL.
    None,
    /// SIG_IGN.
    Ignores,
    /// A function that only returns.
    Empty,
    /// One that sets the default and sends.
    Resends,
    /// One that may be there for a while only, or in code that may not run, or that sends a signal to itself.
    Unclear,
}

/// What is known of a file's code.
#[derive(Debug, Serialize, Deserialize)]
pub struct Code {
    sites: Vec<Site>,
    /// A setter can be called from where it is not seen.
    is_given_away: bool,
    /// A static program holds a function that waits.
    waits: Option<bool>,
    /// The numbers up to 64 that some function is called with, a bit each.
    numbers: u64,
}

impl Code {
    /// Searches a whole file; `None` of other machines than x86-64, and of files without the symbols that it takes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let slice = |offset: u64, len: usize| {
            let rest = usize::try_from(offset).ok().and_then(|from| bytes.get(from..)).unwrap_or_default();
            Ok::<_, Infallible>(Cow::Borrowed(rest.get(..len).unwrap_or(rest)))
        };
        let segments = Segments::of(bytes.len() as u64, slice).ok()??;
        if segments.header.e_machine != EM_X86_64 || !segments.context.container.is_big() {
            return None;
        }
        let functions = Functions::read(bytes, &segments)?;
        let (address, offset, len) = segments.code()?;
        let code = bytes.get(usize::try_from(offset).ok()?..)?;
        let code = code.get(..usize::try_from(len.min(CODE)).ok()?).unwrap_or(code);
        (len <= CODE).then(|| Search::new(Text { address, bytes: code }, functions).from(segments.header.e_entry).run())
    }

    /// Whether some function, of whatever library, is called with that number as its first or second argument.
    pub fn passes(&self, signal: u8) -> bool {
        self.numbers.checked_shr(u32::from(signal).saturating_sub(1)).is_some_and(|bits| bits & 1 != 0)
    }

    /// Whether any call was found that may set a handler or wait for a signal. Where symbols say that there are such and
    /// none is found, the code is not of a kind that is understood here.
    pub fn is_understood(&self) -> bool {
        self.sites.iter().any(|site| site.role.sets() || site.role == Role::Waits)
    }

    /// Whether it is a static program that neither waits for anything nor sets a handler: it does its work and ends.
    pub fn ends(&self) -> bool {
        let sets = |site: &Site| site.role.sets() && matches!(site.role, Role::Sets | Role::Passes);
        self.waits == Some(false) && !self.sites.iter().any(sets)
    }

    /// What it says of a signal.
    pub fn told(&self, signal: u8) -> Told {
        let named = |site: &&Site| site.signal == Some(signal.into());
        let handlers: Vec<_> = self.sites.iter().filter(|s| s.role.sets()).filter(named).map(|s| s.handler).collect();
        let has = |role| self.sites.iter().any(|site| site.role == role);
        let is_added = self.sites.iter().filter(named).any(|site| site.role == Role::Adds);
        // One that sets the default, for whatever signal, sets no handler.
        let may_set = |site: &Site| {
            site.role.sets() && site.signal.is_none() && !matches!(site.handler, Handler::None | Handler::Ignores)
        };
        let is_open = self.is_given_away || self.sites.iter().any(may_set);
        match handlers.first() {
            Some(_) if handlers.contains(&Handler::Own) => Told::Handles,
            _ if is_added && has(Role::Waits) => Told::Waits,
            _ if is_open || has(Role::Waits) || handlers.contains(&Handler::Unclear) => Told::Unclear,
            Some(_) if handlers.contains(&Handler::Resends) => Told::Resends,
            Some(_) if handlers.contains(&Handler::Empty) => Told::Returns,
            Some(_) if handlers.iter().all(|handler| *handler == Handler::Ignores) => Told::Ignores,
            Some(_) => Told::Discards,
            None => Told::Nothing,
        }
    }
}

/// A search through code.
struct Search<'a> {
    text: Text<'a>,
    functions: Functions,
    /// Calls within the code, and jumps, which may be calls at the end of a function: what is called, and where from.
    calls: Vec<(u64, u64)>,
    /// Where functions begin: what is called or pointed to.
    starts: Vec<u64>,
    /// What may be called by a pointer to it.
    pointed: BTreeSet<u64>,
    /// Code that the program gets to from its start by what is called and pointed to in the code itself.
    reached: Option<reach::Reached>,
}

impl<'a> Search<'a> {
    fn new(text: Text<'a>, mut functions: Functions) -> Self {
        stubs(text, &mut functions);
        let within = |opcode| text.references(opcode).filter(|(_, to)| text.has(*to));
        let mut calls: Vec<_> = within(&[0xe8]).chain(within(&[0xe9])).map(|(at, to)| (to, at)).collect();
        calls.sort_unstable();
        let pointed: BTreeSet<_> = text.addresses(&[0x8d]).map(|(_, to)| to).filter(|to| text.has(*to)).collect();
        let mut starts: Vec<_> = within(&[0xe8]).map(|(_, to)| to).chain(pointed.iter().copied()).collect();
        starts.sort_unstable();
        starts.dedup();
        Search { text, functions, calls, starts, pointed, reached: None }
    }

    /// Follows calls and pointers from where the program begins, if that is told.
    fn from(self, entry: u64) -> Self {
        let reached = Some(entry).filter(|entry| self.text.has(*entry));
        Search { reached: reached.map(|entry| reach::from(self.text, entry, &self.calls, &self.starts)), ..self }
    }

    fn run(self) -> Code {
        let mut sites = self.sites();
        for _ in 0..ROUNDS {
            sites = self.passed(sites);
        }
        let handlers: Vec<_> = sites.iter().map(|site| self.handler(site, &sites)).collect();
        sites.iter_mut().zip(handlers).for_each(|(site, handler)| site.handler = handler);
        Code { sites, is_given_away: self.is_given_away(), waits: self.functions.waits, numbers: self.text.numbers() }
    }

    /// Whether the address of a function that sets handlers is loaded, or lies among the data.
    fn is_given_away(&self) -> bool {
        let sets = |function: Option<&Function>| function.is_some_and(|(role, _)| role.sets());
        let is_loaded = self.text.addresses(&[0x8b]).any(|(_, slot)| sets(self.functions.slots.get(&slot)));
        let is_pointed = self.pointed.iter().any(|to| sets(self.functions.addresses.get(to)));
        is_loaded || is_pointed || self.functions.is_given_away
    }

    /// The calls of functions that are known by name, but for those that they make themselves.
    fn sites(&self) -> Vec<Site> {
        let by_address =
            self.functions.addresses.iter().flat_map(|(to, function)| {
                self.callers(*to).map(|at| (at, *function)).filter(|(at, _)| !self.is_own(*at))
            });
        let slots = self.text.references(&[0xff, 0x15]);
        let by_slot = slots.filter_map(|(at, slot)| Some((at, *self.functions.slots.get(&slot)?)));
        let all = by_address.chain(by_slot).take(SITES);
        all.map(|(address, (role, register))| self.site(address, role, &[register])).collect()
    }

    fn site(&self, address: u64, role: Role, registers: &[Register]) -> Site {
        let mut constants = registers.iter().filter_map(|register| match self.text.argument(address, *register) {
            Value::Constant(number) if (1..=64).contains(&number) => Some(number),
            _ => None,
        });
        Site { address, role, signal: constants.next(), handler: Handler::Own }
    }

    fn callers(&self, to: u64) -> impl Iterator<Item = u64> {
        let from = self.calls.partition_point(|(called, _)| *called < to);
        self.calls.iter().skip(from).take_while(move |(called, _)| *called == to).map(|(_, at)| *at)
    }

    /// Whether the code at `address` is that of a function that is known by name, as in static programs.
    fn is_own(&self, address: u64) -> bool {
        self.start(address).is_some_and(|start| self.functions.addresses.contains_key(&start))
    }

    /// Where the function begins that the code at `address` belongs to.
    fn start(&self, address: u64) -> Option<u64> {
        let at = self.starts.partition_point(|start| *start <= address).checked_sub(1)?;
        let start = *self.starts.get(at)?;
        let len = usize::try_from(address - start).ok().filter(|len| *len < PASSING)?;
        let code = self.text.from(start).get(..len)?;
        (!has_end(code)).then_some(start)
    }

    /// Where a call hands on what its function was given, the calls of that function take its place.
    fn passed(&self, sites: Vec<Site>) -> Vec<Site> {
        let (open, mut told): (Vec<_>, Vec<_>) =
            sites.into_iter().partition(|site| site.role.sets() && site.signal.is_none());
        for site in open {
            let start = self.start(site.address).filter(|start| !self.pointed.contains(start));
            let callers: Vec<_> = start.into_iter().flat_map(|start| self.callers(start)).take(SITES).collect();
            if callers.is_empty() || told.len() > SITES {
                told.push(site);
            }
            let all = [Register::DI, Register::SI, Register::DX];
            told.extend(callers.into_iter().map(|at| self.site(at, Role::Passes, &all)));
        }
        told
    }

    fn handler(&self, site: &Site, sites: &[Site]) -> Handler {
        match self.value(site, sites) {
            // Commands of a program that has many are called through a table.
            Handler::Own if self.reached.as_ref().is_some_and(|code| !code.has(site.address)) => Handler::Unclear,
            // Who asks for the old handler is to set it again, as while a password is typed.
            Handler::Own if site.role == Role::SetsIndirectly && self.asks_for_old(site) => Handler::Unclear,
            handler => handler,
        }
    }

    /// Whether sigaction(2) is to tell the action before.
    fn asks_for_old(&self, site: &Site) -> bool {
        matches!(self.text.argument(site.address, Register::DX), Value::Place | Value::Address(_))
    }

    fn value(&self, site: &Site, sites: &[Site]) -> Handler {
        let value = match site.role {
            Role::Sets | Role::Passes => self.text.argument(site.address, Register::SI),
            Role::SetsIndirectly => self.text.stored(site.address),
            _ => Value::Unknown,
        };
        match value {
            Value::Constant(0) => Handler::None,
            Value::Constant(1) => Handler::Ignores,
            Value::Constant(address) if self.text.has(address.into()) => self.function(address.into(), sites),
            Value::Address(address) if self.text.has(address) => self.function(address, sites),
            _ => Handler::Own,
        }
    }

    /// What the handler at `address` does.
    fn function(&self, address: u64, sites: &[Site]) -> Handler {
        if self.text.is_empty_function(address) {
            return Handler::Empty;
        }
        let next = self.starts.get(self.starts.partition_point(|start| *start <= address)).copied();
        let end = next.unwrap_or(u64::MAX).min(address.saturating_add(HANDLER));
        let mut within = sites.iter().filter(|site| (address..end).contains(&site.address));
        let resets = |site: &Site| {
            site.role == Role::Sets && self.text.argument(site.address, Register::SI) == Value::Constant(0)
        };
        let is_reset = within.clone().any(resets);
        let is_resent = within.clone().any(|site| site.role == Role::Sends || site.role == Role::Raises);
        let is_raised = within.any(|site| site.role == Role::Raises);
        match is_reset && is_resent {
            true => Handler::Resends,
            false if is_raised => Handler::Unclear,
            false => Handler::Own,
        }
    }
}

/// Finds the stubs through which functions are called, each a jump through its slot, perhaps behind an `endbr64` and
/// with a `bnd` prefix (binutils bfd/elf64-x86-64.c, `elf_x86_64_*_plt_entry`).
fn stubs(text: Text<'_>, functions: &mut Functions) {
    for (at, slot) in text.references(&[0xff, 0x25]) {
        let Some(function) = functions.slots.get(&slot).copied() else { continue };
        let starts = [(0, b"".as_slice()), (1, b"\xf2"), (4, b"\xf3\x0f\x1e\xfa"), (5, b"\xf3\x0f\x1e\xfa\xf2")];
        let starts = starts.iter().filter(|(back, prefix)| text.from(at - back).starts_with(prefix));
        functions.addresses.extend(starts.map(|(back, _)| (at - back, function)));
    }
}

/// Whether a function ends in the code: it returns, and padding follows.
fn has_end(code: &[u8]) -> bool {
    let pads: [&[u8]; 5] = [b"\xc3\xcc", b"\xc3\x90", b"\xc3\x0f\x1f", b"\xc3\x66\x0f\x1f", b"\xc3\x66\x2e\x0f"];
    pads.iter().any(|pad| code.contains_str(pad))
}

#[cfg(test)]
mod tests;
