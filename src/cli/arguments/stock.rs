//! What a notice is made from: `contacts`, `groups`, `templates`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{EraseArguments, ExportArguments, ListFormat, NamedValue, PrintArguments};

/// `contacts …`
#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Take over contact files: adds new contacts and changes known ones, by id
    Import(ImportArguments),
    /// Read contact files and say what is wrong with them; changes nothing
    Check(ContactFiles),
    /// List contacts
    List {
        /// Only members of this group
        #[arg(long, value_name = "GROUP")]
        group: Option<String>,
        #[command(flatten)]
        format: ListFormat,
    },
    /// Show one contact with all its addresses and groups
    Show {
        /// The contact's id, as in its file
        id: String,
        /// All that is held about it: also every notice sent to it, and where the log names it
        #[arg(long)]
        everything: bool,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Write all contacts as CSV, in the form that import takes; encrypted unless told otherwise
    Export(ExportArguments),
    /// Make the list for the drawer: a page to print, with names, telephone numbers and deputies
    Print(PrintArguments),
    /// Erase a contact everywhere in the store; figures and the audit log stay
    Erase(EraseArguments),
}

/// The files that a command reads.
#[derive(Debug, Args)]
pub struct ContactFiles {
    /// Files (.csv, .xlsx) or folders; without any, the configured folder of contacts
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `contacts import …`
#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLE)]
pub struct ImportArguments {
    #[command(flatten)]
    pub files: ContactFiles,
    /// Show what would be added and changed; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also remove contacts that the files no longer have; only without paths, over the whole folder
    #[arg(long)]
    pub prune: bool,
    /// Import the good rows although others are faulty; without it one faulty row stops everything
    #[arg(long)]
    pub skip_bad: bool,
    /// Also import contacts that were erased, as new ones
    #[arg(long)]
    pub again: bool,
}

const IMPORT_EXAMPLE: &str = "\
Example: see what the new list of schools would change, then take it over
  rundruf contacts import lists/schools.csv --dry-run
  rundruf contacts import lists/schools.csv
The file's name is the group (here: schools). Its first line names the columns; id and name are
required. Files as Excel saves them will do: comma or semicolon, UTF-8 or Windows-1252, or .xlsx.";

/// `groups …`
#[derive(Debug, Subcommand)]
pub enum GroupsCommand {
    /// List groups with the number of their members
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Show one group: what it contains, and its members
    Show {
        /// The group's name
        name: String,
        #[command(flatten)]
        format: ListFormat,
    },
}

/// `templates …`
#[derive(Debug, Subcommand)]
pub enum TemplatesCommand {
    /// List templates with their channels and languages
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Render templates with their examples and name everything that is wrong with them
    Check {
        /// The templates' names; without any, all
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Show what a contact would receive
    Preview(PreviewArguments),
}

/// `templates preview NAME …`
#[derive(Debug, Args)]
pub struct PreviewArguments {
    /// The template's name
    pub name: String,
    /// The contact who would read it, by id; without it an invented one
    #[arg(long, value_name = "ID")]
    pub contact: Option<String>,
    /// The language to show (de, en); without it the contact's
    #[arg(long, value_name = "LANGUAGE")]
    pub language: Option<String>,
    /// The value of a variable; may be given several times. Without it the template's example
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub values: Vec<NamedValue>,
    /// A TOML or JSON file with values of the template's variables; --set wins over it
    #[arg(long, value_name = "FILE")]
    pub vars: Option<PathBuf>,
    /// Write the HTML part into this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
