//! What the files of the crate name: every path of every file, code and tests apart.
//!
//! A file is read whole, as the tokens that the compiler sees: no comment, no string, and no end before the last line. Which module a
//! file belongs to, and whether it is a test's, follows from the `mod` items that lead to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Words that may stand before a path that begins with `::`, and are no part of it.
const KEYWORDS: &[&str] = &[
    "as", "break", "const", "dyn", "else", "extern", "for", "if", "impl", "in", "let", "match", "move",
    "mut", "pub", "ref", "return", "static", "type", "unsafe", "use", "where", "while",
];

/// Something a module names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The crate it is named in: `core`.
    pub of_crate: &'static str,
    /// The module of the crate it is named in: `record::line`; empty for the crate's root.
    pub module: String,
    /// Named in the tests only.
    pub is_test: bool,
    pub what: String,
}

/// A `mod` item whose text is in a file of its own.
struct Declared {
    module: Vec<String>,
    file: PathBuf,
    is_test: bool,
}

/// What was found so far.
#[derive(Default)]
pub struct Scan {
    pub named: BTreeSet<Named>,
    /// The files that were read.
    pub files: BTreeSet<PathBuf>,
    /// The names of other crates.
    crates: BTreeSet<String>,
    declared: Vec<Declared>,
}

/// Where the walk is.
#[derive(Clone)]
struct Place {
    of_crate: &'static str,
    module: Vec<String>,
    /// Where the files of this place's `mod` items are.
    folder: PathBuf,
    /// The folder of the file itself, which `#[path]` starts from.
    beside: PathBuf,
    is_test: bool,
    /// Names that the file gives to something else: they are no crate's.
    own: BTreeSet<String>,
}

impl Scan {
    /// Nothing is read yet; `crates` are the names of other crates.
    pub fn new(crates: impl IntoIterator<Item = String>) -> Self {
        Self {
            crates: crates.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Reads a crate from its root file on.
    pub fn read(&mut self, of_crate: &'static str, root: &Path) {
        let mut next = vec![Declared {
            module: Vec::new(),
            file: root.to_owned(),
            is_test: false,
        }];
        while let Some(Declared {
            module,
            file,
            is_test,
        }) = next.pop()
        {
            let text =
                std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            self.text(&file, (of_crate, module), is_test, &text);
            self.files.insert(file);
            next.append(&mut self.declared);
        }
    }

    /// Reads the text of one file.
    pub fn text(
        &mut self,
        file: &Path,
        (of_crate, module): (&'static str, Vec<String>),
        is_test: bool,
        text: &str,
    ) {
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let beside = file.parent().unwrap_or(Path::new("")).to_owned();
        let stem = file.file_stem().unwrap_or_default();
        let is_root = module.is_empty() || stem == "mod";
        let folder = if is_root {
            beside.clone()
        } else {
            beside.join(stem)
        };
        let mut own = BTreeSet::new();
        own_names(&tokens, &mut own);
        let place = Place {
            of_crate,
            module,
            folder,
            beside,
            is_test,
            own,
        };
        self.walk(&tokens, &place);
    }

    fn walk(&mut self, tokens: &[TokenTree], place: &Place) {
        let mut place = place.clone();
        let mut index = 0;
        while index < tokens.len() {
            if let Some((attribute, is_inner, after)) = attribute(tokens, index) {
                self.walk(&stream(attribute), &place);
                index = after;
                if !is_test_only(attribute) {
                    continue;
                }
                if is_inner {
                    place.is_test = true;
                    continue;
                }
                let end = end_of_item(tokens, index);
                let test = Place {
                    is_test: true,
                    ..place.clone()
                };
                self.walk(&tokens[index..end], &test);
                index = end;
                continue;
            }
            index = self.step(tokens, index, &place);
        }
    }

    /// Takes what stands at the index; where it ends.
    fn step(&mut self, tokens: &[TokenTree], index: usize, place: &Place) -> usize {
        match &tokens[index] {
            TokenTree::Group(group) => {
                self.walk(&stream(group), place);
                index + 1
            }
            TokenTree::Ident(word) if word == "mod" => match (tokens.get(index + 1), tokens.get(index + 2)) {
                (Some(TokenTree::Ident(name)), Some(body)) => {
                    self.module(&name.to_string(), body, path_of(&tokens[..index]), place);
                    index + 3
                }
                _ => index + 1,
            },
            TokenTree::Ident(_) => self.path(tokens, index, place),
            TokenTree::Punct(_) | TokenTree::Literal(_) => index + 1,
        }
    }

    fn module(&mut self, name: &str, body: &TokenTree, path: Option<String>, place: &Place) {
        let mut module = place.module.clone();
        module.push(name.to_owned());
        if let TokenTree::Group(group) = body {
            let inner = Place {
                module,
                folder: place.folder.join(name),
                ..place.clone()
            };
            self.walk(&stream(group), &inner);
            return;
        }
        let flat = place.folder.join(format!("{name}.rs"));
        let file = if let Some(path) = path {
            place.beside.join(path)
        } else if flat.exists() {
            flat
        } else {
            place.folder.join(name).join("mod.rs")
        };
        self.declared.push(Declared {
            module,
            file,
            is_test: place.is_test,
        });
    }

    /// Takes the path that begins at the index; where it ends.
    fn path(&mut self, tokens: &[TokenTree], index: usize, place: &Place) -> usize {
        let word = tokens[index].to_string();
        if word == "async" {
            self.note(place, "async".to_owned());
        }
        if word == "mut" && tokens.get(index + 1).is_some_and(|next| is_word(next, "App")) {
            self.note(place, "&mut App".to_owned());
        }
        let is_member = index > 0 && is_punct(&tokens[index - 1], '.');
        let mut paths = Vec::new();
        let end = tree(tokens, index, &[], &mut paths);
        if !is_member {
            for path in paths {
                self.take(&path, place);
            }
        }
        end
    }

    fn take(&mut self, path: &[String], place: &Place) {
        for call in ["Timestamp", "Zoned", "Instant", "SystemTime"] {
            if path.windows(2).any(|pair| pair[0] == call && pair[1] == "now") {
                self.note(place, format!("{call}::now"));
            }
        }
        let absolute = absolute(path, &place.module);
        match absolute.first().map(String::as_str) {
            Some("crate") => {
                let module = absolute.get(1).map_or("*", String::as_str);
                // A name for the root hides what is reached through it.
                let is_whole = matches!(module, "*" | "self" | "as");
                if absolute.len() > 1 {
                    let module = if is_whole { "*" } else { module };
                    self.note(place, format!("crate::{module}"));
                }
            }
            Some("std" | "core") => self.note(place, format!("std::{}", std_name(&absolute))),
            Some(first)
                if absolute.len() > 1 && self.crates.contains(first) && !place.own.contains(first) =>
            {
                self.note(place, first.to_owned());
            }
            _ => {}
        }
    }

    fn note(&mut self, place: &Place, what: String) {
        self.named.insert(Named {
            of_crate: place.of_crate,
            module: place.module.join("::"),
            is_test: place.is_test,
            what,
        });
    }
}

/// The part of the standard library that a path is in: a module, of time the type.
fn std_name(path: &[String]) -> String {
    match path {
        [_, time, name, ..] if time == "time" => format!("time::{name}"),
        [_, module, ..] => module.clone(),
        _ => "*".to_owned(),
    }
}

/// A path from the crate's root on, or as it stands where it begins with neither `self` nor `super`.
fn absolute(path: &[String], module: &[String]) -> Vec<String> {
    let below_root = |module: &[String], rest: &[String]| {
        let root = std::iter::once("crate".to_owned());
        root.chain(module.iter().cloned())
            .chain(rest.iter().cloned())
            .collect()
    };
    match path.first().map(String::as_str) {
        Some("sopwatch") => below_root(&[], &path[1..]),
        Some("self" | "super") => {
            let rest = path.strip_prefix(&["self".to_owned()]).unwrap_or(path);
            let ups = rest.iter().take_while(|word| *word == "super").count();
            below_root(&module[..module.len().saturating_sub(ups)], &rest[ups..])
        }
        _ => path.to_vec(),
    }
}

/// Every path of the tree that begins at the index, as in `a::{b, c::d}`; where it ends.
fn tree(tokens: &[TokenTree], index: usize, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let is_import = index > 0
        && ["use", "crate"]
            .iter()
            .any(|word| is_word(&tokens[index - 1], word));
    let mut index = index;
    loop {
        match tokens.get(index) {
            Some(TokenTree::Ident(word)) => path.push(word.to_string().trim_start_matches("r#").to_owned()),
            Some(TokenTree::Punct(star)) if star.as_char() == '*' && !path.is_empty() => {
                path.push("*".to_owned());
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && !path.is_empty() => {
                let inner = stream(group);
                let mut at = 0;
                while at < inner.len() {
                    at = tree(&inner, at, &path, paths).max(at + 1);
                }
                return index + 1;
            }
            // `::<T>`, `::(…)`: the path is over.
            _ => break,
        }
        index += 1;
        let is_word_before_a_path =
            before.is_empty() && path.len() == 1 && KEYWORDS.contains(&path[0].as_str());
        if is_word_before_a_path || !is_double_colon(tokens, index) {
            let is_renamed = tokens.get(index).is_some_and(|next| is_word(next, "as"));
            if is_renamed
                && (is_import || matches!(path[0].as_str(), "crate" | "self" | "super" | "sopwatch"))
            {
                path.push("as".to_owned());
            }
            if is_renamed && !before.is_empty() {
                index += 2;
            }
            break;
        }
        index += 2;
    }
    if path.len() > before.len() {
        paths.push(path);
    }
    index
}

/// The names that a file binds to something else: what it imports by its last word, and its modules.
fn own_names(tokens: &[TokenTree], own: &mut BTreeSet<String>) {
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => own_names(&stream(group), own),
            TokenTree::Ident(word) if word == "mod" => {
                own.extend(tokens.get(index + 1).map(ToString::to_string));
            }
            TokenTree::Ident(word) if word == "use" => {
                let mut paths = Vec::new();
                tree(tokens, index + 1, &[], &mut paths);
                let long = paths.iter().filter(|path| path.len() > 1);
                let bound = long.filter_map(|path| {
                    // `a::b::{self}` binds `b`; `a::a` and `a::{self}` leave the name to the crate.
                    let last = path.iter().rev().find(|word| *word != "self");
                    last.filter(|last| Some(*last) != path.first())
                });
                own.extend(bound.cloned());
            }
            _ => {}
        }
    }
    own.retain(|name| !matches!(name.as_str(), "crate" | "std" | "core" | "as" | "*"));
}

fn stream(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_double_colon(tokens: &[TokenTree], index: usize) -> bool {
    let colon = |index: usize| tokens.get(index).is_some_and(|token| is_punct(token, ':'));
    colon(index) && colon(index + 1)
}

/// The attribute at the index, whether it is about what it stands in, and where it ends.
fn attribute(tokens: &[TokenTree], index: usize) -> Option<(&Group, bool, usize)> {
    if !is_punct(tokens.get(index)?, '#') {
        return None;
    }
    let is_inner = tokens.get(index + 1).is_some_and(|next| is_punct(next, '!'));
    let at = index + 1 + usize::from(is_inner);
    match tokens.get(at)? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some((group, is_inner, at + 1)),
        _ => None,
    }
}

/// `cfg(test)`, also within `all(…)`.
fn is_test_only(attribute: &Group) -> bool {
    let said: String = stream(attribute).iter().map(ToString::to_string).collect();
    let said = said.replace([' ', '\n'], "");
    said == "cfg(test)"
        || said.starts_with("cfg(all(test,")
        || said.starts_with("cfg(all(") && said.ends_with(",test))")
}

/// What the attributes right before an item say of its file.
fn path_of(before: &[TokenTree]) -> Option<String> {
    let groups = before.iter().rev().take_while(|token| {
        let is_attribute = matches!(token, TokenTree::Group(_)) || is_punct(token, '#');
        is_attribute || is_word(token, "pub")
    });
    groups
        .filter_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream().to_string()),
            _ => None,
        })
        .find_map(|said| {
            let value = said.strip_prefix("path = \"")?;
            Some(value.trim_end_matches('"').to_owned())
        })
}

/// Where the item that begins at the index ends: after its body, or its semicolon or comma.
fn end_of_item(tokens: &[TokenTree], index: usize) -> usize {
    let (mut is_import, mut is_item) = (false, false);
    for (offset, token) in tokens[index..].iter().enumerate() {
        let is_body = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        is_import |= is_word(token, "use");
        is_item |= ["fn", "impl", "struct", "enum", "trait", "type", "const", "static"]
            .iter()
            .any(|word| is_word(token, word));
        // A comma ends a field or a variant; in an item it is a parameter's.
        if is_body && !is_import || is_punct(token, ';') || is_punct(token, ',') && !is_item {
            return index + offset + 1;
        }
    }
    tokens.len()
}
