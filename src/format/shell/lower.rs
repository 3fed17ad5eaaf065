//! From the parser's tree to ours.

mod compound;

use bstr::{BString, ByteSlice};
use shuck_ast as ast;

use super::tree::{
    Assignment, Command, Kind, List, Part, Redirect, Redirection, Script, Simple, Span, Statement, Word,
};
use super::word::{self, Context};
use super::{Dialect, Place, strict};

/// A script, and what of it the shell refuses (`true`) or takes in a way that is not known here: message and offset.
pub struct Lowered {
    pub script: Script,
    pub fault: Option<(bool, &'static str, usize)>,
}

/// The text and the first thing that is wrong with it.
pub struct Lower<'a> {
    text: &'a [u8],
    place: Place,
    fault: Option<(bool, &'static str, usize)>,
    /// Where the script may switch on what makes `@(…)` a pattern: bash takes it for one from the next line on.
    extglob: Option<usize>,
}

impl<'a> Lower<'a> {
    pub fn new(text: &'a [u8], place: Place) -> Self {
        Lower { text, place, fault: None, extglob: text.find("extglob") }
    }

    pub fn script(mut self, body: &ast::StmtSeq) -> Lowered {
        let body = self.list(body);
        Lowered { script: Script { body, newline_at_end: self.text.ends_with(b"\n") }, fault: self.fault }
    }

    /// Notes what a shell refuses in a word.
    fn check_word(&mut self, word: &Word, span: ast::Span) {
        if let Some((refused, what)) = strict::word(word, self.place.dialect, self.is_extended(span)) {
            self.note(refused, what, span);
        }
    }

    /// Whether `@(…)` is a pattern there.
    fn is_extended(&self, span: ast::Span) -> bool {
        let between = self.extglob.and_then(|at| self.text.get(at..span.start.offset()));
        self.place.offset > 0 && self.extglob.is_some() || between.is_some_and(|between| between.contains(&b'\n'))
    }

    /// Notes what bash alone reads so: `refused` by dash and by ash, or just not known there.
    fn only_bash(&mut self, dash: bool, ash: bool, what: &'static str, span: ast::Span) {
        let refused = match self.place.dialect {
            Dialect::Bash => return,
            Dialect::Dash => dash,
            Dialect::Ash => ash,
        };
        self.note(refused, what, span);
    }

    fn note(&mut self, refused: bool, what: &'static str, span: ast::Span) {
        let at = span.start.offset();
        if self.fault.is_none_or(|(_, _, first)| at < first) {
            self.fault = Some((refused, what, at));
        }
    }

    fn slice(&self, span: ast::Span) -> &'a [u8] {
        self.text.get(span.start.offset()..span.end.offset()).unwrap_or_default()
    }

    fn span(&self, span: ast::Span) -> Span {
        let offset = self.place.offset;
        let line = self.place.line + span.start.line().max(1) - 1;
        Span { start: offset + span.start.offset(), end: offset + span.end.offset(), line }
    }

    fn text(&self, span: ast::Span, context: Context) -> Word {
        let own = self.span(span);
        let place = Place { offset: own.start, line: own.line, ..self.place };
        word::read(self.slice(span), place, context)
    }

    fn word(&mut self, word: &ast::Word) -> Word {
        if let [ast::WordPartNode { kind: ast::WordPart::Literal(ast::LiteralText::Owned(text)), span }] =
            word.parts.as_slice()
            && span.start.offset() == span.end.offset()
        {
            return Word { parts: vec![Part::Plain(text.as_bytes().into())], span: self.span(word.span) };
        }
        let lowered = self.text(word.span, Context::Word);
        self.check_word(&lowered, word.span);
        lowered
    }

    /// Words; those between which nothing stands are one: the parser ends a word behind `{a,b}`, whatever follows it.
    fn words<'w>(&mut self, words: impl IntoIterator<Item = &'w ast::Word>) -> Vec<Word> {
        let (mut lowered, mut last) = (Vec::new(), None::<ast::Span>);
        for word in words {
            let joined = last.filter(|last| {
                last.end.offset() == word.span.start.offset() && word.span.end.offset() > word.span.start.offset()
            });
            let span = joined.map_or(word.span, |last| ast::Span::from_positions(last.start, word.span.end));
            lowered.truncate(lowered.len() - usize::from(joined.is_some()));
            lowered.push(if joined.is_some() { self.text(span, Context::Word) } else { self.word(word) });
            last = Some(span);
        }
        lowered
    }

    fn list(&mut self, list: &ast::StmtSeq) -> List {
        for (i, statement) in list.iter().enumerate() {
            let next = list.as_slice().get(i + 1);
            self.check_gap(statement, next, next.map_or(list.span, |n| n.span));
        }
        list.iter().map(|s| self.statement(s)).collect()
    }

    /// A list that shells do not let be empty.
    fn some(&mut self, list: &ast::StmtSeq, span: ast::Span) -> List {
        if list.is_empty() {
            self.note(true, "a command is expected", span);
        }
        self.list(list)
    }

    /// Between commands stands one `;`, one `&` or a newline, and no second `;`.
    fn check_gap(&mut self, statement: &ast::Stmt, next: Option<&ast::Stmt>, behind: ast::Span) {
        let whole = ast::Span::from_positions(statement.span.start, behind.end);
        if self.slice(whole).contains_str("<<") {
            return; // the text of a here-document may stand there
        }
        let end = trimmed(self.text, statement.span).end.offset();
        let start = statement.terminator_span.map_or(end, |t| t.end.offset().max(end));
        let stop = if next.is_some() { behind.start.offset() } else { behind.end.offset() };
        let gap = self.text.get(start..stop).unwrap_or_default();
        let open = statement.terminator.is_none();
        let empty = |l: &[u8]| l.trim_ascii_start().starts_with(b";") && !l.trim_ascii_start().starts_with(b";;");
        if gap.lines().enumerate().any(|(i, l)| empty(l) && !(open && i == 0)) {
            self.note(true, "a command is expected before `;`", statement.span);
        }
        if let (Some(next), true) = (next, statement.terminator.is_none() && !gap.iter().any(|b| b"\n;&".contains(b))) {
            // bash lets a function be called `a=b`.
            let function = self.slice(statement.span).contains(&b'=') && self.place.dialect == Dialect::Bash;
            self.note(!function, "a command ends before this one begins", next.span);
        }
    }

    fn statement(&mut self, statement: &ast::Stmt) -> Statement {
        let background = matches!(statement.terminator, Some(ast::StmtTerminator::Background(_)));
        Statement { command: self.command(statement), background }
    }

    fn command(&mut self, statement: &ast::Stmt) -> Command {
        let span = self.span(trimmed(self.text, statement.span));
        let redirections = statement.redirects.iter().filter_map(|r| self.redirection(r)).collect();
        let kind = self.kind(&statement.command);
        if let Some((refused, what)) = strict::command(&kind, self.place.dialect) {
            self.note(refused, what, statement.span);
        }
        let command = Command { kind, redirections, span };
        if statement.negated {
            Command { kind: Kind::Not(Box::new(command)), redirections: Vec::new(), span }
        } else {
            command
        }
    }

    fn kind(&mut self, command: &ast::Command) -> Kind {
        match command {
            ast::Command::Simple(c) => {
                let named = c.name.span.start.offset() < c.name.span.end.offset();
                let words = self.words(named.then_some(&c.name).into_iter().chain(&c.args));
                Kind::Simple(Simple { assignments: self.assignments(&c.assignments), words })
            }
            ast::Command::Builtin(c) => self.builtin(c),
            ast::Command::Decl(c) => self.declaration(c),
            ast::Command::Binary(c) => self.binary(c),
            ast::Command::Compound(c) => self.compound(c),
            ast::Command::Function(f) => self.function(f),
            ast::Command::AnonymousFunction(_) => Kind::Other("an anonymous function"),
        }
    }

    fn builtin(&mut self, command: &ast::BuiltinCommand) -> Kind {
        let (name, first, rest, assignments, span) = match command {
            ast::BuiltinCommand::Break(c) => ("break", &c.depth, &c.extra_args, &c.assignments, c.span),
            ast::BuiltinCommand::Continue(c) => ("continue", &c.depth, &c.extra_args, &c.assignments, c.span),
            ast::BuiltinCommand::Return(c) => ("return", &c.code, &c.extra_args, &c.assignments, c.span),
            ast::BuiltinCommand::Exit(c) => ("exit", &c.code, &c.extra_args, &c.assignments, c.span),
        };
        let mut words = vec![Word { parts: vec![Part::Plain(name.into())], span: self.span(span) }];
        words.extend(self.words(first.iter().chain(rest)));
        Kind::Simple(Simple { assignments: self.assignments(assignments), words })
    }

    fn declaration(&mut self, clause: &ast::DeclClause) -> Kind {
        let mut words = vec![self.text(clause.variant_span, Context::Word)];
        for operand in &clause.operands {
            words.push(match operand {
                ast::DeclOperand::Flag(word) | ast::DeclOperand::Dynamic(word) => self.word(word),
                ast::DeclOperand::Name(name) => self.text(name.span, Context::Word),
                ast::DeclOperand::Assignment(a) => self.declared(a),
            });
        }
        Kind::Simple(Simple { assignments: self.assignments(&clause.assignments), words })
    }

    /// `name=value` as an operand: a word, or `name=` and the array.
    fn declared(&mut self, assignment: &ast::Assignment) -> Word {
        let ast::AssignmentValue::Compound(array) = &assignment.value else {
            return self.text(assignment.span, Context::Word);
        };
        let mut head = BString::from(assignment.target.name.as_str());
        head.extend(if assignment.append { &b"+="[..] } else { b"=" });
        let parts = vec![Part::Plain(head), self.array(array)];
        Word { parts, span: self.span(assignment.span) }
    }

    fn assignments(&mut self, assignments: &[ast::Assignment]) -> Vec<Assignment> {
        assignments.iter().map(|a| self.assignment(a)).collect()
    }

    fn assignment(&mut self, assignment: &ast::Assignment) -> Assignment {
        let target = &assignment.target;
        let subscript = target.subscript.as_ref().map(|s| self.text(s.span(), Context::Double));
        let value = match &assignment.value {
            ast::AssignmentValue::Scalar(word) => self.word(word),
            ast::AssignmentValue::Compound(array) => {
                let span = self.span(array.span);
                Word { parts: vec![self.array(array)], span }
            }
        };
        Assignment { name: target.name.as_str().into(), subscript, append: assignment.append, value }
    }

    fn array(&mut self, array: &ast::ArrayExpr) -> Part {
        self.only_bash(true, true, "this shell has no arrays", array.span);
        let element = |e: &ast::ArrayElem| match e {
            ast::ArrayElem::Sequential(value) => Some(value.word.clone()),
            _ => None,
        };
        let words: Option<Vec<ast::Word>> = array.elements.iter().map(element).collect();
        Part::Array(words.map(|words| self.words(&words)))
    }

    fn binary(&mut self, command: &ast::BinaryCommand) -> Kind {
        match command.op {
            ast::BinaryOp::And => Kind::And(self.boxed(&command.left), self.boxed(&command.right)),
            ast::BinaryOp::Or => Kind::Or(self.boxed(&command.left), self.boxed(&command.right)),
            ast::BinaryOp::Pipe | ast::BinaryOp::PipeAll => {
                let mut commands = Vec::new();
                self.pipeline(command, &mut commands);
                Kind::Pipeline(commands)
            }
        }
    }

    fn boxed(&mut self, statement: &ast::Stmt) -> Box<Command> {
        Box::new(self.command(statement))
    }

    fn pipeline(&mut self, command: &ast::BinaryCommand, commands: &mut Vec<Command>) {
        if command.op == ast::BinaryOp::PipeAll {
            self.only_bash(true, true, "`|&` is not known to this shell", command.op_span);
        }
        for side in [&command.left, &command.right] {
            match &side.command {
                ast::Command::Binary(c)
                    if matches!(c.op, ast::BinaryOp::Pipe | ast::BinaryOp::PipeAll)
                        && !side.negated
                        && side.redirects.is_empty() =>
                {
                    self.pipeline(c, commands);
                }
                _ => {
                    if side.negated {
                        self.note(true, "`!` stands only before a whole pipeline", side.span);
                    }
                    commands.push(self.command(side));
                }
            }
        }
    }

    fn redirection(&mut self, redirect: &ast::Redirect) -> Option<Redirection> {
        use ast::RedirectKind as R;
        let operator = match redirect.kind {
            R::Output | R::Clobber => Redirect::Write,
            R::Append => {
                if self.slice(redirect.span).starts_with(b"&>>") {
                    self.only_bash(false, true, "`&>>` is not known to this shell", redirect.span);
                }
                Redirect::Append
            }
            R::Input => Redirect::Read,
            R::ReadWrite => Redirect::Both,
            R::HereDoc | R::HereDocStrip => Redirect::Here,
            R::HereString => {
                self.only_bash(true, true, "`<<<` is not known to this shell", redirect.span);
                Redirect::HereString
            }
            R::DupOutput => Redirect::DuplicateOutput,
            R::DupInput => Redirect::DuplicateInput,
            R::OutputBoth => {
                // It reads `a &` and `> f`.
                if self.place.dialect == Dialect::Dash {
                    self.note(false, "`&>` means something else in this shell", redirect.span);
                }
                Redirect::WriteAll
            }
        };
        let target = match &redirect.target {
            ast::RedirectTarget::Word(word) => self.word(word),
            ast::RedirectTarget::Heredoc(here) => self.here(here),
        };
        let fd = redirect.fd.and_then(|fd| u32::try_from(fd).ok());
        Some(Redirection { fd, variable: redirect.fd_var.is_some(), operator, target })
    }

    fn here(&mut self, here: &ast::Heredoc) -> Word {
        let span = here.body.span;
        let raw = self.slice(span);
        let stripped: Vec<u8>;
        let text = if here.delimiter.strip_tabs {
            stripped = raw.lines_with_terminator().flat_map(|l| l.trim_start_with(|c| c == '\t')).copied().collect();
            &stripped
        } else {
            raw
        };
        let own = self.span(span);
        if here.delimiter.quoted {
            return Word { parts: vec![Part::Quoted(text.into())], span: own };
        }
        let place = Place { offset: own.start, line: own.line, ..self.place };
        word::read(text, place, Context::Here)
    }
}

/// A statement's span reaches over the blanks behind it.
fn trimmed(text: &[u8], span: ast::Span) -> ast::Span {
    let slice = text.get(span.start.offset()..span.end.offset()).unwrap_or_default();
    let blanks = slice.len() - slice.trim_ascii_end().len();
    let end = span.end.offset() - blanks;
    ast::Span::from_positions(span.start, ast::Position::at(span.end.line(), span.end.column(), end))
}
