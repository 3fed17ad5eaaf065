//! From the parser's tree to ours.

use std::sync::Arc;

use bstr::{BString, ByteSlice};
use shuck_ast as ast;

use super::tree::{
    Arm, ArmEnd, Assignment, Command, Condition, Kind, List, Part, Redirect, Redirection, Script, Simple, Span,
    Statement, Word,
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
    /// The script may switch on what makes `@(…)` a pattern.
    extglob: bool,
}

impl<'a> Lower<'a> {
    pub fn new(text: &'a [u8], place: Place) -> Self {
        Lower { text, place, fault: None, extglob: text.contains_str("extglob") }
    }

    pub fn script(mut self, body: &ast::StmtSeq) -> Lowered {
        let body = self.list(body);
        Lowered { script: Script { body, newline_at_end: self.text.ends_with(b"\n") }, fault: self.fault }
    }

    /// Notes what a shell refuses in a word.
    fn check_word(&mut self, word: &Word, span: ast::Span) {
        if let Some((refused, what)) = strict::word(word, self.place.dialect, self.extglob) {
            self.note(refused, what, span);
        }
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

    fn words<'w>(&mut self, words: impl IntoIterator<Item = &'w ast::Word>) -> Vec<Word> {
        words.into_iter().map(|w| self.word(w)).collect()
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

    fn compound(&mut self, command: &ast::CompoundCommand) -> Kind {
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
        let proper = name.first().is_some_and(|b| super::is_name_start(*b)) && name.iter().all(|b| super::is_name(*b));
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

    fn function(&mut self, function: &ast::FunctionDef) -> Kind {
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
        let proper = name.first().is_some_and(|b| super::is_name_start(*b)) && name.iter().all(|b| super::is_name(*b));
        if !proper || SPECIAL.split(' ').any(|s| s.as_bytes() == name.as_slice()) {
            self.only_bash(true, true, "bad function name", span);
        }
    }

    fn condition(&mut self, expression: &ast::ConditionalExpr) -> Option<Condition> {
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
