//! Writes dynamic ELF programs and libraries as linkers do (`ld -z separate-code`), of any class and byte order.
//!
//! readelf(1) lists what is asked for, and where the machine is that of the host, real loaders map and relocate it: there
//! are a symbol table, a hash table and versions, all of them empty of symbols.

/// `e_type` of a program that is linked to an address, and of everything else.
pub const ET_EXEC: u16 = 2;
pub const ET_DYN: u16 = 3;

/// Where sections begin to be another segment.
const PAGE: usize = 0x1000;

/// Where the string table stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Before the code, `ld -z separate-code`.
    First,
    /// Between the code and the data.
    Middle,
    /// The same, and the section table before all, as Go's own linker does.
    Go,
    /// Behind the dynamic section, as patchelf(1) leaves it.
    Last,
}

/// What is to be written. `..Dynamic::default()` is a 64-bit little-endian library of x86-64 that needs nothing.
#[derive(Clone, Debug)]
pub struct Dynamic {
    pub is_64: bool,
    pub is_big_endian: bool,
    pub e_type: u16,
    pub e_machine: u16,
    pub e_flags: u32,
    pub osabi: u8,
    pub interp: Option<String>,
    pub needed: Vec<String>,
    pub auxiliary: Vec<String>,
    pub filter: Vec<String>,
    pub soname: Option<String>,
    pub rpath: Option<String>,
    pub runpath: Option<String>,
    pub flags: u64,
    pub flags_1: u64,
    /// DT_VERNEED: versions of a file, each perhaps weak.
    pub versions: Vec<(String, Vec<(String, bool)>)>,
    /// DT_VERDEF; the base version, which is the soname, is put before them.
    pub defined: Vec<String>,
    /// Undefined symbols.
    pub imports: Vec<String>,
    /// The code; `e_entry` is its start in a program.
    pub text: Vec<u8>,
    /// What stands in the data segment before the dynamic section.
    pub data: Vec<u8>,
    pub layout: Layout,
}

impl Default for Dynamic {
    fn default() -> Self {
        Dynamic {
            is_64: true,
            is_big_endian: false,
            e_type: ET_DYN,
            e_machine: 62,
            e_flags: 0,
            osabi: 0,
            interp: None,
            needed: Vec::new(),
            auxiliary: Vec::new(),
            filter: Vec::new(),
            soname: None,
            rpath: None,
            runpath: None,
            flags: 0,
            flags_1: 0,
            versions: Vec::new(),
            defined: Vec::new(),
            imports: Vec::new(),
            // mov edi, 42; mov eax, 60 (exit); syscall
            text: vec![0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05],
            data: Vec::new(),
            layout: Layout::First,
        }
    }
}

/// Names as the writer takes them.
pub fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// A library called `soname` that needs others.
pub fn library(soname: &str, needed: &[&str]) -> Dynamic {
    Dynamic { soname: Some(soname.into()), needed: names(needed), ..Dynamic::default() }
}

/// A position-independent program that exits with 42, and needs a loader and libraries.
pub fn program(interp: &str, needed: &[&str]) -> Dynamic {
    Dynamic { interp: Some(interp.into()), needed: names(needed), ..Dynamic::default() }
}

/// A section on its way into the file.
struct Section {
    name: &'static str,
    kind: u32,
    /// SHF_WRITE 1, SHF_ALLOC 2, SHF_EXECINSTR 4.
    flags: u64,
    link: &'static str,
    info: u32,
    entry: usize,
    bytes: Vec<u8>,
    offset: usize,
}

/// Strings with their places; the first is empty.
#[derive(Default)]
struct Strings(Vec<u8>);

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        if self.0.is_empty() {
            self.0.push(0);
        }
        let at = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        at as u32
    }
}

/// Bytes in a class and byte order.
#[derive(Clone)]
struct Out {
    is_64: bool,
    is_big_endian: bool,
    bytes: Vec<u8>,
}

impl Out {
    fn number(&mut self, value: u64, len: usize) -> &mut Self {
        match self.is_big_endian {
            true => self.bytes.extend_from_slice(&value.to_be_bytes()[8 - len..]),
            false => self.bytes.extend_from_slice(&value.to_le_bytes()[..len]),
        }
        self
    }

    fn half(&mut self, value: u16) -> &mut Self {
        self.number(value.into(), 2)
    }

    fn word(&mut self, value: u32) -> &mut Self {
        self.number(value.into(), 4)
    }

    /// An address, offset or size.
    fn long(&mut self, value: u64) -> &mut Self {
        self.number(value, if self.is_64 { 8 } else { 4 })
    }
}

impl Dynamic {
    /// The file.
    pub fn write(&self) -> Vec<u8> {
        let mut sections = self.sections();
        self.place(&mut sections);
        let dynamic = self.dynamic(&sections);
        find(&mut sections, ".dynamic").bytes = dynamic;
        let mut out = self.out();
        self.header(&mut out, &sections);
        for segment in self.segments(&sections) {
            self.segment(&mut out, &segment);
        }
        let (names, table) = section_names(&sections);
        let end = sections.last().map_or(0, |last| last.offset + last.bytes.len());
        if self.layout == Layout::Go {
            self.section_table(&mut out, &sections, &names, (end, table.len()));
        }
        for section in &sections {
            out.bytes.resize(section.offset, 0);
            out.bytes.extend_from_slice(&section.bytes);
        }
        out.bytes.extend_from_slice(&table);
        if self.layout != Layout::Go {
            self.section_table(&mut out, &sections, &names, (end, table.len()));
        }
        out.bytes
    }

    fn out(&self) -> Out {
        Out { is_64: self.is_64, is_big_endian: self.is_big_endian, bytes: Vec::new() }
    }

    fn base(&self) -> u64 {
        if self.e_type == ET_EXEC { 0x40_0000 } else { 0 }
    }

    fn address(&self, sections: &[Section], name: &str) -> Option<u64> {
        sections.iter().find(|section| section.name == name).map(|section| self.base() + section.offset as u64)
    }

    /// All that is loaded, in the order of the file.
    fn sections(&self) -> Vec<Section> {
        let mut strings = Strings::default();
        let entries = self.entries(&mut strings, &|_| 0).len();
        let (needs, defines) = (self.verneed(&mut strings), self.verdef(&mut strings));
        let symbols = self.symbols(&mut strings);
        let mut sections = Vec::new();
        let mut add = |name, kind, flags, link, info, entry, bytes: Vec<u8>| {
            sections.push(Section { name, kind, flags, link, info, entry, bytes, offset: 0 });
        };
        let symbol = if self.is_64 { 24 } else { 16 };
        if let Some(interp) = &self.interp {
            add(".interp", 1, 2, "", 0, 0, [interp.as_bytes(), b"\0"].concat());
        }
        // nbucket, nchain, bucket, chain
        let hash = [1, 1, 0, 0].iter().fold(self.out(), |mut out, word| out.word(*word).clone()).bytes;
        add(".hash", 5, 2, ".dynsym", 0, 4, hash);
        add(".dynsym", 11, 2, ".dynstr", 1, symbol, symbols);
        if self.layout == Layout::First {
            add(".dynstr", 3, 2, "", 0, 0, strings.0.clone());
        }
        if !needs.is_empty() || !defines.is_empty() {
            add(".gnu.version", 0x6fff_ffff, 2, ".dynsym", 0, 2, vec![0; 2]);
        }
        if !defines.is_empty() {
            add(".gnu.version_d", 0x6fff_fffd, 2, ".dynstr", self.defined.len() as u32 + 1, 0, defines);
        }
        if !needs.is_empty() {
            add(".gnu.version_r", 0x6fff_fffe, 2, ".dynstr", self.versions.len() as u32, 0, needs);
        }
        add(".text", 1, 6, "", 0, 0, self.text.clone());
        if matches!(self.layout, Layout::Middle | Layout::Go) {
            add(".dynstr", 3, 2, "", 0, 0, strings.0.clone());
        }
        add(".data", 1, 3, "", 0, 0, self.data.clone());
        let entry = if self.is_64 { 16 } else { 8 };
        add(".dynamic", 6, 3, ".dynstr", 0, entry, vec![0; entries * entry]);
        if self.layout == Layout::Last {
            add(".dynstr", 3, 2, "", 0, 0, strings.0.clone());
        }
        sections
    }

    fn place(&self, sections: &mut [Section]) {
        let mut at = self.header_size() + self.entry_size() * self.segments(sections).len();
        if self.layout == Layout::Go {
            at = at.next_multiple_of(8) + (sections.len() + 2) * self.section_size();
        }
        let text = sections.iter().position(|section| section.name == ".text").unwrap_or_default();
        for (number, section) in sections.iter_mut().enumerate() {
            let align = if number == text || number == text + 1 { PAGE } else { 8 };
            section.offset = at.next_multiple_of(align);
            at = section.offset + section.bytes.len();
        }
    }

    fn header_size(&self) -> usize {
        if self.is_64 { 64 } else { 52 }
    }

    fn entry_size(&self) -> usize {
        if self.is_64 { 56 } else { 32 }
    }

    fn section_size(&self) -> usize {
        if self.is_64 { 64 } else { 40 }
    }

    /// Tag and value of each entry of the dynamic section; `at` tells where a section is loaded.
    fn entries(&self, strings: &mut Strings, at: &dyn Fn(&str) -> u64) -> Vec<(u64, u64)> {
        let mut entries = Vec::new();
        let some = |name: &Option<String>| name.iter().cloned().collect::<Vec<_>>();
        let lists = [
            (1, self.needed.clone()),
            (14, some(&self.soname)),
            (15, some(&self.rpath)),
            (29, some(&self.runpath)),
            (0x7fff_fffd, self.auxiliary.clone()),
            (0x7fff_ffff, self.filter.clone()),
        ];
        for (tag, list) in lists {
            entries.extend(list.iter().map(|name| (tag, u64::from(strings.add(name)))));
        }
        entries.extend([(4, at(".hash")), (5, at(".dynstr")), (6, at(".dynsym"))]);
        entries.extend([(10, at("strsz")), (11, if self.is_64 { 24 } else { 16 })]);
        if !self.versions.is_empty() || !self.defined.is_empty() {
            entries.push((0x6fff_fff0, at(".gnu.version")));
        }
        if !self.defined.is_empty() {
            entries.extend([(0x6fff_fffc, at(".gnu.version_d")), (0x6fff_fffd, self.defined.len() as u64 + 1)]);
        }
        if !self.versions.is_empty() {
            entries.extend([(0x6fff_fffe, at(".gnu.version_r")), (0x6fff_ffff, self.versions.len() as u64)]);
        }
        entries.extend([(30, self.flags), (0x6fff_fffb, self.flags_1)].into_iter().filter(|(_, flags)| *flags != 0));
        entries.push((0, 0));
        entries
    }

    fn dynamic(&self, sections: &[Section]) -> Vec<u8> {
        let at = |name: &str| match name {
            "strsz" => sections.iter().find(|s| s.name == ".dynstr").map_or(0, |s| s.bytes.len() as u64),
            name => self.address(sections, name).unwrap_or_default(),
        };
        let mut out = self.out();
        for (tag, value) in self.entries(&mut Strings::default(), &at) {
            out.long(tag).long(value);
        }
        out.bytes
    }

    /// The symbol table: an empty one, then global functions without a section.
    fn symbols(&self, strings: &mut Strings) -> Vec<u8> {
        let mut out = self.out();
        out.bytes.resize(if self.is_64 { 24 } else { 16 }, 0);
        for name in &self.imports {
            let name = strings.add(name);
            match self.is_64 {
                true => out.word(name).number(0x12, 1).number(0, 1).half(0).long(0).long(0),
                false => out.word(name).long(0).long(0).number(0x12, 1).number(0, 1).half(0),
            };
        }
        out.bytes
    }

    fn verneed(&self, strings: &mut Strings) -> Vec<u8> {
        let mut out = self.out();
        let mut index = self.defined.len() as u16 + 2;
        for (i, (file, versions)) in self.versions.iter().enumerate() {
            let is_last = i + 1 == self.versions.len();
            out.half(1).half(versions.len() as u16).word(strings.add(file)).word(16);
            out.word(if is_last { 0 } else { 16 + 16 * versions.len() as u32 });
            for (j, (version, is_weak)) in versions.iter().enumerate() {
                out.word(hash(version)).half(if *is_weak { 2 } else { 0 }).half(index).word(strings.add(version));
                out.word(if j + 1 == versions.len() { 0 } else { 16 });
                index += 1;
            }
        }
        out.bytes
    }

    fn verdef(&self, strings: &mut Strings) -> Vec<u8> {
        let mut out = self.out();
        let base = self.soname.clone().unwrap_or_default();
        let all: Vec<&String> =
            if self.defined.is_empty() { vec![] } else { [&base].into_iter().chain(&self.defined).collect() };
        for (i, version) in all.iter().enumerate() {
            out.half(1).half(u16::from(i == 0)).half(i as u16 + 1).half(1).word(hash(version)).word(20);
            out.word(if i + 1 == all.len() { 0 } else { 28 });
            out.word(strings.add(version)).word(0);
        }
        out.bytes
    }

    fn header(&self, out: &mut Out, sections: &[Section]) {
        let headers = self.header_size() + self.entry_size() * self.segments(sections).len();
        let end = sections.last().map_or(0, |last| last.offset + last.bytes.len());
        let behind = end + section_names(sections).1.len();
        let table = if self.layout == Layout::Go { headers } else { behind }.next_multiple_of(8);
        let entry = if self.interp.is_some() { self.address(sections, ".text").unwrap_or_default() } else { 0 };
        let class = [1 + u8::from(self.is_64), 1 + u8::from(self.is_big_endian), 1, self.osabi];
        out.bytes.extend_from_slice(b"\x7fELF");
        out.bytes.extend_from_slice(&class);
        out.bytes.resize(16, 0);
        out.half(self.e_type).half(self.e_machine).word(1);
        out.long(entry).long(self.header_size() as u64).long(table as u64).word(self.e_flags);
        out.half(self.header_size() as u16).half(self.entry_size() as u16).half(self.segments(sections).len() as u16);
        out.half(self.section_size() as u16).half(sections.len() as u16 + 2).half(sections.len() as u16 + 1);
    }

    fn segments(&self, sections: &[Section]) -> Vec<Segment> {
        let place = |name| sections.iter().find(|s| s.name == name).map(|s| (s.offset, s.offset + s.bytes.len()));
        let (text, dynamic) = (place(".text"), place(".dynamic"));
        let data = sections.iter().skip_while(|s| s.name != ".text").nth(1).map(|s| s.offset);
        let last = sections.last().map_or(0, |last| last.offset + last.bytes.len());
        let front = sections.iter().take_while(|s| s.name != ".text").last().map_or(0, |s| s.offset + s.bytes.len());
        let mut segments = Vec::new();
        let mut add = |kind, flags, place: Option<(usize, usize)>, align| {
            segments.extend(place.map(|(from, to)| Segment { kind, flags, from, to, align }));
        };
        let headers = self.header_size();
        if self.interp.is_some() {
            let count = 7;
            add(6, 4, Some((headers, headers + count * self.entry_size())), 8);
            add(3, 4, place(".interp"), 1);
        }
        add(1, 4, Some((0, front)), PAGE);
        add(1, 5, text, PAGE);
        add(1, 6, data.map(|from| (from, last)), PAGE);
        add(2, 6, dynamic, 8);
        // PT_GNU_STACK
        add(0x6474_e551, 6, Some((0, 0)), 16);
        segments
    }

    fn segment(&self, out: &mut Out, segment: &Segment) {
        let size = (segment.to - segment.from) as u64;
        let address = self.base() + segment.from as u64;
        out.word(segment.kind);
        if self.is_64 {
            out.word(segment.flags);
        }
        out.long(segment.from as u64).long(address).long(address).long(size).long(size);
        if !self.is_64 {
            out.word(segment.flags);
        }
        out.long(segment.align as u64);
    }

    /// `table` tells where the names stand.
    fn section_table(&self, out: &mut Out, sections: &[Section], names: &[u32], table: (usize, usize)) {
        out.bytes.resize(out.bytes.len().next_multiple_of(8) + self.section_size(), 0);
        let number = |name: &str| sections.iter().position(|s| s.name == name).map_or(0, |i| i as u32 + 1);
        for (section, name) in sections.iter().zip(names) {
            out.word(*name).word(section.kind).long(section.flags).long(self.base() + section.offset as u64);
            out.long(section.offset as u64).long(section.bytes.len() as u64);
            out.word(number(section.link)).word(section.info).long(8).long(section.entry as u64);
        }
        out.word(*names.last().unwrap_or(&0)).word(3).long(0).long(0).long(table.0 as u64).long(table.1 as u64);
        out.word(0).word(0).long(1).long(0);
    }
}

struct Segment {
    kind: u32,
    flags: u32,
    from: usize,
    to: usize,
    align: usize,
}

/// The places of the sections' names and that of `.shstrtab`, and the table.
fn section_names(sections: &[Section]) -> (Vec<u32>, Vec<u8>) {
    let mut table = Strings::default();
    let names = sections.iter().map(|s| s.name).chain([".shstrtab"]).map(|name| table.add(name)).collect();
    (names, table.0)
}

fn find<'a>(sections: &'a mut [Section], name: &str) -> &'a mut Section {
    sections.iter_mut().find(|section| section.name == name).unwrap()
}

/// The hash of the gABI, *Hash Table*.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |hash, byte| {
        let hash = (hash << 4).wrapping_add(byte.into());
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}

/// The dynamic files of `fixtures/programs`, by name; libraries and programs of a C library that greets.
pub fn programs() -> Vec<(&'static str, Vec<u8>)> {
    const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
    const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
    let greet = "libgreet.so.1";
    let needs = |interp: &str, versions: &[&str]| Dynamic {
        versions: vec![(greet.to_owned(), versions.iter().map(|v| ((*v).to_owned(), false)).collect())],
        ..program(interp, &[greet])
    };
    let directories = b"/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0".to_vec();
    let defined = names(&["GLIBC_2.2.5", "GLIBC_PRIVATE"]);
    let glibc = Dynamic { data: directories, defined, ..library("ld-linux-x86-64.so.2", &[]) };
    let loader = |file: Dynamic| [file.write(), b"\nstand-in for a loader\n".to_vec()].concat();
    vec![
        ("glibc-loader", loader(glibc)),
        ("musl-loader", loader(library("libc.musl-x86_64.so.1", &[]))),
        ("library", Dynamic { defined: names(&["GREET_1"]), ..library(greet, &[]) }.write()),
        ("waits", Dynamic { imports: names(&["pause"]), ..program(GLIBC, &[]) }.write()),
        ("waits-for-signals", Dynamic { imports: names(&["pause", "sigaction"]), ..program(GLIBC, &[]) }.write()),
        ("needs-library", needs(GLIBC, &["GREET_1"]).write()),
        ("needs-library-musl", program(MUSL, &[greet]).write()),
        ("needs-newer-library", needs(GLIBC, &["GREET_1", "GREET_2"]).write()),
    ]
}
