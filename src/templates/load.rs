//! Reads templates from their folder, whole and within limits.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::declaration;
use super::finding::{Finding, Place};
use super::layout;
use super::source::FILE_LIMIT;
use crate::domain::address::Channel;
use crate::domain::nearest::hint;
use crate::domain::template::TemplateSpec;

const DECLARATION: &str = "template.toml";
const LAYOUT: &str = "layout";

/// A template as it was when it was read: all that rendering needs, so that a notice can be kept with it and
/// rendered later, whatever has become of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenTemplate {
    /// What it declares.
    pub spec: TemplateSpec,
    /// Its folder as findings show it: `templates/erst-kommune`.
    pub folder: String,
    /// The line of `template.toml` that each variable is declared on.
    pub declared_on: BTreeMap<String, u32>,
    /// Its texts by file name: `email.de.md`.
    pub files: BTreeMap<String, String>,
    /// The layout's folder as findings show it: `templates/layout`.
    pub layout_folder: String,
    /// The layout and the partials by file name: `email.html`, `footer.de.md`.
    pub layout: BTreeMap<String, String>,
}

impl FrozenTemplate {
    /// The languages that it has a text of `channel` in, in alphabetical order.
    pub fn languages(&self, channel: Channel) -> Vec<&str> {
        self.files
            .keys()
            .filter_map(|file| text_file(file))
            .filter(|(of, _)| *of == channel)
            .map(|(_, language)| language)
            .collect()
    }

    /// The path of one of its files as findings show it.
    pub(super) fn path(&self, file: &str) -> Arc<str> {
        format!("{}/{file}", self.folder).into()
    }
}

/// All templates of a folder.
#[derive(Debug, Default)]
pub struct LoadedPack {
    /// Those that could be read, by name.
    pub templates: BTreeMap<String, FrozenTemplate>,
    /// What is wrong with the others, and with files that belong to none.
    pub findings: Vec<Finding>,
}

/// Why a template could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder of templates cannot be read.
    #[error("the templates in {folder} cannot be read: {why}; [instance] templates says where they are")]
    Folder {
        /// As it was given.
        folder: String,
        /// Why.
        why: io::Error,
    },
    /// There is no template of this name.
    #[error("there is no template \"{name}\" in {folder}{hint}; \"rundruf templates list\" shows all")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// Where it was looked for.
        folder: String,
        /// ` (did you mean …?)`, or nothing.
        hint: String,
    },
    /// Its files are not right.
    #[error("{}", join(.0))]
    Broken(Vec<Finding>),
}

fn join(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Reads every template in `dir`; a template is a folder other than `layout`.
///
/// # Errors
/// If `dir` itself cannot be read. What is wrong inside it is in [`LoadedPack::findings`].
pub fn load_pack(dir: &Path) -> Result<LoadedPack, LoadError> {
    let names = template_names(dir)?;
    let mut pack = LoadedPack::default();
    let layout = match read_layout(dir) {
        Ok(layout) => layout,
        Err(finding) => {
            pack.findings.push(finding);
            layout::built_in()
        }
    };
    for name in names {
        match read_template(dir, &name, &layout) {
            Ok(template) => {
                pack.templates.insert(name, template);
            }
            Err(findings) => pack.findings.extend(findings),
        }
    }
    Ok(pack)
}

/// Reads the template `name` in `dir`.
///
/// # Errors
/// If there is none (the nearest is named), or its files are not right.
pub fn load_template(dir: &Path, name: &str) -> Result<FrozenTemplate, LoadError> {
    let names = template_names(dir)?;
    if !names.iter().any(|known| known == name) {
        let hint = hint(name, names.iter().map(String::as_str));
        let name = name.chars().take(60).flat_map(char::escape_debug).collect();
        return Err(LoadError::Unknown { name, folder: dir.display().to_string(), hint });
    }
    let layout = read_layout(dir).map_err(|finding| LoadError::Broken(vec![finding]))?;
    read_template(dir, name, &layout).map_err(LoadError::Broken)
}

/// Files of a template: their names and texts.
type FileTexts = &'static [(&'static str, &'static str)];

/// The templates that the program itself needs and that are compiled in, by name: declaration, then files.
const BUILT_IN: [(&str, &str, FileTexts); 2] = [
    (
        "eilfreigabe",
        include_str!("../../templates/eilfreigabe/template.toml"),
        &[
            ("email.de.md", include_str!("../../templates/eilfreigabe/email.de.md")),
            ("email.en.md", include_str!("../../templates/eilfreigabe/email.en.md")),
            ("sms.de.txt", include_str!("../../templates/eilfreigabe/sms.de.txt")),
            ("sms.en.txt", include_str!("../../templates/eilfreigabe/sms.en.txt")),
        ],
    ),
    (
        "partner-abgeschaltet",
        include_str!("../../templates/partner-abgeschaltet/template.toml"),
        &[
            ("email.de.md", include_str!("../../templates/partner-abgeschaltet/email.de.md")),
            ("email.en.md", include_str!("../../templates/partner-abgeschaltet/email.en.md")),
            ("sms.de.txt", include_str!("../../templates/partner-abgeschaltet/sms.de.txt")),
            ("sms.en.txt", include_str!("../../templates/partner-abgeschaltet/sms.en.txt")),
        ],
    ),
];

/// The template `name` as it is compiled in.
///
/// # Errors
/// If there is none of this name.
pub fn built_in_template(name: &str) -> Result<FrozenTemplate, LoadError> {
    let folder = "(built in)".to_owned();
    let Some((name, text, files)) = BUILT_IN.iter().find(|(known, ..)| *known == name) else {
        let hint = hint(name, BUILT_IN.map(|(known, ..)| known));
        return Err(LoadError::Unknown { name: name.to_owned(), folder, hint });
    };
    let path: Arc<str> = format!("{folder}/{DECLARATION}").into();
    let declaration = declaration::parse(name, &path, text).map_err(LoadError::Broken)?;
    Ok(FrozenTemplate {
        spec: declaration.spec,
        layout_folder: folder.clone(),
        folder,
        declared_on: declaration.lines,
        files: files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect(),
        layout: layout::built_in(),
    })
}

fn template_names(dir: &Path) -> Result<Vec<String>, LoadError> {
    let folder_error = |why| LoadError::Folder { folder: dir.display().to_string(), why };
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(folder_error)? {
        let entry = entry.map_err(folder_error)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.path().is_dir() && !name.starts_with('.') && name != LAYOUT {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_template(
    dir: &Path,
    name: &str,
    layout: &BTreeMap<String, String>,
) -> Result<FrozenTemplate, Vec<Finding>> {
    let folder = dir.join(name).display().to_string();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(plain) {
        let what = "a template's folder is named with lower-case letters a to z, digits and hyphens";
        return Err(vec![Place::file(folder).finding(what)]);
    }
    let mut findings = Vec::new();
    let mut files = BTreeMap::new();
    for file in file_names(&dir.join(name)).map_err(|finding| vec![finding])? {
        let shown = format!("{folder}/{file}");
        if file != DECLARATION && text_file(&file).is_none() {
            findings.push(Place::file(shown).finding(unknown_file(&file)));
            continue;
        }
        match read_file(&dir.join(name).join(&file), &shown) {
            Ok(text) => drop(files.insert(file, text)),
            Err(finding) => findings.push(finding),
        }
    }
    let path: Arc<str> = format!("{folder}/{DECLARATION}").into();
    let Some(text) = files.remove(DECLARATION) else {
        if findings.is_empty() {
            findings.push(Place::file(path).finding("is missing: it declares the title and the variables"));
        }
        return Err(findings);
    };
    if files.is_empty() && findings.is_empty() {
        let what = "there is no text: add email.de.md, sms.de.txt or webhook.de.json";
        findings.push(Place::file(folder.as_str()).finding(what));
    }
    match declaration::parse(name, &path, &text) {
        Ok(declaration) if findings.is_empty() => Ok(FrozenTemplate {
            spec: declaration.spec,
            folder,
            declared_on: declaration.lines,
            files,
            layout_folder: dir.join(LAYOUT).display().to_string(),
            layout: layout.clone(),
        }),
        Ok(_) => Err(findings),
        Err(more) => {
            findings.extend(more);
            Err(findings)
        }
    }
}

/// The layout compiled in, with what `dir/layout` has of its own.
fn read_layout(dir: &Path) -> Result<BTreeMap<String, String>, Finding> {
    let mut files = layout::built_in();
    let folder = dir.join(LAYOUT);
    if folder.is_dir() {
        for file in file_names(&folder)? {
            let shown = format!("{}/{file}", folder.display());
            files.insert(file.clone(), read_file(&folder.join(&file), &shown)?);
        }
    }
    Ok(files)
}

/// The names of a folder's files, without hidden ones and what editors leave behind.
fn file_names(folder: &Path) -> Result<Vec<String>, Finding> {
    let finding =
        |error: io::Error| Place::file(folder.display().to_string()).finding(cannot_be_read(&error));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(finding)? {
        let name = entry.map_err(finding)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with(['.', '#']) && !name.ends_with('~') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads one file: UTF-8, at most [`FILE_LIMIT`] bytes (no more than that is ever read). Line ends become `\n`.
fn read_file(path: &Path, shown: &str) -> Result<String, Finding> {
    let finding = |what: String| Place::file(shown).finding(what);
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(FILE_LIMIT as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| finding(cannot_be_read(&error)))?;
    if bytes.len() > FILE_LIMIT {
        return Err(finding(format!(
            "is larger than the {} KB that a template's file may have",
            FILE_LIMIT / 1024
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        finding(format!("is not UTF-8 (line {line}): save it as UTF-8"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.replace("\r\n", "\n"))
}

fn cannot_be_read(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

/// `email.de.md` → e-mail, `de`.
pub(super) fn text_file(file: &str) -> Option<(Channel, &str)> {
    [(Channel::Email, ".md"), (Channel::Sms, ".txt"), (Channel::Webhook, ".json")].into_iter().find_map(
        |(channel, ending)| {
            let language = file.strip_prefix(channel.as_str())?.strip_prefix('.')?.strip_suffix(ending)?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let fits = (2..=8).contains(&language.len()) && language.chars().all(plain);
            fits.then_some((channel, language))
        },
    )
}

fn unknown_file(file: &str) -> String {
    let known = [DECLARATION, "email.de.md", "email.en.md", "sms.de.txt", "sms.en.txt", "webhook.de.json"];
    let hint = hint(file, known);
    format!(
        "is no file of a template{hint}: there are template.toml, email.LANGUAGE.md, sms.LANGUAGE.txt and \
             webhook.LANGUAGE.json"
    )
}

#[cfg(test)]
mod tests;
