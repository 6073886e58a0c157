//! `backup` and `restore`.

use std::path::PathBuf;

use clap::Args;

/// `backup`
#[derive(Debug, Args)]
pub struct BackupArguments {
    /// The file to be made; without it rundruf-DATE-TIME.tar.age (or .tar) in this folder
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A file with the passphrase to encrypt with, instead of what [backup] says
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Do not encrypt: whoever gets hold of the file can read every contact in it
    #[arg(long, conflicts_with = "passphrase_file")]
    pub unencrypted: bool,
    /// Put in the key that seals secrets in the store, too: then whoever can open the backup has everything
    #[arg(long)]
    pub with_key: bool,
}

/// `restore`
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A file with your private key, as age-keygen wrote it
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub identity: Option<PathBuf>,
    /// A file with the passphrase, instead of what [backup] says
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Only look whether the backup is whole and what it holds; change nothing
    #[arg(long, conflicts_with = "replace")]
    pub check: bool,
    /// Replace all that the store holds now
    #[arg(long)]
    pub replace: bool,
    /// Also write templates and the key over those that are there; without it only missing ones come back
    #[arg(long, conflicts_with = "check")]
    pub overwrite_files: bool,
}
