//! The remotes that are tried: each server by itself, and the backends that wrap others over some of them.

use crate::relay::Relay;
use crate::servers::{Options, Program, Server, obscure};
use crate::tree::{self, Tree};

/// A remote of the table.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// rclone's backend.
    pub backend: &'static str,
    /// What serves it; the first for the most part, where there are two.
    pub programs: &'static [Program],
    wrap: fn(&[Server]) -> Result<Options, String>,
}

/// A remote that is there, and what it stands on.
pub struct Remote {
    /// What it is.
    pub kind: Kind,
    /// Its configuration by rclone's names.
    pub options: Options,
    /// Where its root is, for paths that begin with a slash.
    pub base: String,
    servers: Vec<Server>,
}

/// All that are tried.
pub const KINDS: [Kind; 17] = [
    plain("sftp", &[Program::OpenSsh]),
    plain("sftp", &[Program::RcloneSftp]),
    plain("ftp", &[Program::Vsftpd]),
    plain("ftp", &[Program::Pyftpdlib]),
    plain("ftp", &[Program::RcloneFtp]),
    plain("webdav", &[Program::Apache]),
    plain("webdav", &[Program::WsgiDav]),
    plain("webdav", &[Program::RcloneWebdav]),
    plain("s3", &[Program::Moto]),
    plain("s3", &[Program::RcloneS3]),
    Kind { backend: "alias", programs: &[Program::Apache], wrap: alias },
    Kind { backend: "crypt", programs: &[Program::OpenSsh], wrap: crypt },
    Kind { backend: "union", programs: &[Program::OpenSsh, Program::WsgiDav], wrap: union },
    Kind { backend: "combine", programs: &[Program::Vsftpd, Program::Moto], wrap: combine },
    Kind { backend: "chunker", programs: &[Program::WsgiDav], wrap: chunker },
    Kind { backend: "compress", programs: &[Program::OpenSsh], wrap: compress },
    Kind { backend: "hasher", programs: &[Program::Pyftpdlib], wrap: hasher },
];

const fn plain(backend: &'static str, programs: &'static [Program]) -> Kind {
    Kind { backend, programs, wrap: |servers| Ok(servers[0].options.clone()) }
}

impl Kind {
    /// What it is called on the command line and in the table.
    pub fn name(&self) -> String {
        let programs: Vec<&str> = self.programs.iter().map(|program| program.name()).collect();
        format!("{}, {}", self.backend, programs.join(" and "))
    }

    /// Whether a word means it: the name of its backend, or what is no backend's and in its own name.
    pub fn is_meant_by(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        if KINDS.iter().any(|kind| kind.backend == word) {
            return self.backend == word;
        }
        self.name().to_lowercase().contains(&word)
    }

    /// Whether it wraps other remotes.
    pub fn wraps(&self) -> bool {
        !["sftp", "ftp", "webdav", "s3"].contains(&self.backend)
    }

    /// The files that are tried on it. rclone's own server quotes control characters, and answers that what it has stored is not
    /// there: those are left out.
    pub fn tree(&self) -> Tree {
        let mut tree = tree::tree();
        if self.programs.contains(&Program::RcloneWebdav) {
            tree.retain(|path, _| !path.contains('\n'));
        }
        tree
    }

    /// Starts what serves it.
    ///
    /// # Errors
    /// What is missing on this machine, or what a server says.
    pub fn start(self) -> Result<Remote, String> {
        let servers =
            self.programs.iter().map(|program| program.start()).collect::<Result<Vec<_>, _>>()?;
        let options = (self.wrap)(&servers)?;
        let base = match (self.wraps(), self.backend) {
            (false, _) => servers[0].base.clone(),
            // Nothing can be written beside its folders.
            (true, "combine") => "one".to_owned(),
            (true, _) => String::new(),
        };
        Ok(Remote { kind: self, options, base, servers })
    }
}

impl Remote {
    /// Where the files of a plain remote lie as they are; none if they lie nowhere.
    pub fn files(&self) -> Option<&std::path::Path> {
        self.servers[0].files.as_deref().filter(|_| !self.kind.wraps())
    }

    /// Where the files of all its servers lie.
    pub fn folders(&self) -> impl Iterator<Item = &std::path::Path> {
        self.servers.iter().filter_map(|server| server.files.as_deref())
    }

    /// What is before its servers.
    pub fn relays(&self) -> impl Iterator<Item = &Relay> {
        self.servers.iter().map(|server| &server.relay)
    }
}

/// A server as rclone takes it within a value: `:sftp,host='…':/folder`.
fn written_out(server: &Server, folder: &str) -> String {
    let mut text = String::new();
    for (key, value) in &server.options {
        match *key {
            "type" => text.insert_str(0, &format!(":{value}")),
            _ => text.push_str(&format!(",{key}='{value}'")),
        }
    }
    let slash = if server.base.is_empty() || server.base.ends_with('/') { "" } else { "/" };
    format!("{text}:{}{slash}{folder}", server.base)
}

fn over(backend: &str, server: &Server) -> Options {
    vec![("type", backend.to_owned()), ("remote", written_out(server, "wrapped"))]
}

fn alias(servers: &[Server]) -> Result<Options, String> {
    Ok(over("alias", &servers[0]))
}

fn crypt(servers: &[Server]) -> Result<Options, String> {
    let mut options = over("crypt", &servers[0]);
    options.push(("password", obscure("correct horse battery staple")?));
    Ok(options)
}

fn union(servers: &[Server]) -> Result<Options, String> {
    let upstreams: Vec<String> =
        servers.iter().map(|server| quoted(&written_out(server, ""))).collect();
    Ok(vec![("type", "union".to_owned()), ("upstreams", upstreams.join(" "))])
}

fn combine(servers: &[Server]) -> Result<Options, String> {
    let names = ["one", "two"];
    let upstreams: Vec<String> = std::iter::zip(names, servers)
        .map(|(name, server)| quoted(&format!("{name}={}", written_out(server, ""))))
        .collect();
    Ok(vec![("type", "combine".to_owned()), ("upstreams", upstreams.join(" "))])
}

fn chunker(servers: &[Server]) -> Result<Options, String> {
    let mut options = over("chunker", &servers[0]);
    options.push(("chunk_size", "1Mi".to_owned()));
    Ok(options)
}

fn compress(servers: &[Server]) -> Result<Options, String> {
    let mut options = over("compress", &servers[0]);
    options.push(("level", "-1".to_owned()));
    Ok(options)
}

fn hasher(servers: &[Server]) -> Result<Options, String> {
    Ok(over("hasher", &servers[0]))
}

/// A value of a list that spaces part.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}
