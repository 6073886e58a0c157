//! A page of the handbook as the blocks that it is made of.

use std::path::{Path, PathBuf};

/// A page.
#[derive(Debug)]
pub struct Page {
    pub name: String,
    /// What must lie ready.
    pub fixtures: Vec<String>,
    pub blocks: Vec<Block>,
}

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of its fence, counted from 1.
    pub line: usize,
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// Commands, and the status they end with.
    Commands { exit: i32 },
    /// What the commands before it write.
    Output,
    /// The content of a file.
    File(String),
    /// Only to be read.
    Shown,
}

/// Where the pages are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// All pages.
pub fn files() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

impl Page {
    #[track_caller]
    pub fn read(name: &str) -> Self {
        let text =
            std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self::parse(name, &text).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// # Errors
    /// A fence that is not closed, or whose word means nothing here.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut blocks = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            let Some(info) = line.trim_start().strip_prefix("```") else { continue };
            let indent = line.len() - line.trim_start().len();
            let mut inner = String::new();
            loop {
                let Some((_, line)) = lines.next() else {
                    return Err(format!("docs/{name}, line {}: the block is not closed", at + 1));
                };
                if line.trim() == "```" {
                    break;
                }
                inner.push_str(line.get(indent..).unwrap_or_default());
                inner.push('\n');
            }
            let kind = kind(info.trim(), &inner)
                .map_err(|fault| format!("docs/{name}, line {}: {fault}", at + 1))?;
            blocks.push(Block { line: at + 1, kind, text: inner });
        }
        Ok(Self { name: name.to_owned(), fixtures: fixtures(text), blocks })
    }
}

fn kind(info: &str, text: &str) -> Result<Kind, String> {
    Ok(match info.split_once(' ') {
        Some((_, file)) => Kind::File(file.trim().to_owned()),
        None if info == "sh" => Kind::Commands { exit: exit(text)? },
        None if info == "text" => Kind::Output,
        None if matches!(info, "console" | "toml" | "csv" | "md" | "json" | "dns" | "py") => Kind::Shown,
        None => return Err(format!("\"{info}\" is no kind of block: see tests/handbook/main.rs")),
    })
}

fn exit(text: &str) -> Result<i32, String> {
    let named = text.lines().find_map(|line| line.trim().strip_prefix("# exit "));
    named.map_or(Ok(0), |status| status.trim().parse().map_err(|_| format!("\"{status}\" is no exit status")))
}

fn fixtures(text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let list =
        first.strip_prefix("<!-- handbook:").and_then(|rest| rest.strip_suffix("-->")).unwrap_or_default();
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
