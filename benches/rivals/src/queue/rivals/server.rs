//! A server that takes part: its process, and what a client says and hears over a local socket.

use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(10);

/// Whether there is a program of that name.
pub fn is_here(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
}

/// Says that it does not take part, and why.
pub fn absence(name: &str) -> String {
    format!("{name} is not installed on this machine, so it has no row")
}

/// A running server. Dropping it ends the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: Address,
}

/// Where it listens.
#[derive(Clone, Debug)]
enum Address {
    Socket(PathBuf),
    Port(u16),
}

impl Server {
    /// Starts it, and waits until it listens on a socket in the directory. `arguments` is told where.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(
        program: &str,
        directory: &Path,
        arguments: impl FnOnce(&mut Command, &str),
    ) -> Result<Self> {
        let socket = directory.join("socket");
        let mut command = Command::new(program);
        arguments(&mut command, socket.to_str().context("the directory's name is not text")?);
        Self::start_at(Address::Socket(socket), program, directory, command)
    }

    /// Starts one that knows no sockets in a directory. `arguments` is told a port of this machine alone.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_at_port(
        program: &str,
        directory: &Path,
        arguments: impl FnOnce(&mut Command, u16) -> Result<()>,
    ) -> Result<Self> {
        // One that was free just now.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(program);
        arguments(&mut command, port)?;
        Self::start_at(Address::Port(port), program, directory, command)
    }

    fn start_at(address: Address, program: &str, directory: &Path, mut command: Command) -> Result<Self> {
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        die_with_parent(&mut command);
        let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let mut server = Self { child, address };
        let begin = Instant::now();
        while let Err(error) = server.connect() {
            let ended = server.child.try_wait()?;
            ensure!(ended.is_none(), "{program} has ended: {ended:?}");
            if begin.elapsed() > START {
                return Err(error).with_context(|| format!("{program} does not listen"));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(server)
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// There is none.
    pub fn connect(&self) -> Result<Connection> {
        let wire: Box<dyn Wire> = match &self.address {
            Address::Socket(socket) => Box::new(UnixStream::connect(socket)?),
            Address::Port(port) => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        };
        Ok(Connection { reader: BufReader::new(wire), out: Vec::new() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An entrant that is cut off takes its server along.
fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        // SAFETY: between fork and exec only a system call is made, which takes numbers and touches no memory.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// What a client and a server speak over.
trait Wire: Read + Write + Send + std::fmt::Debug {}

impl<W: Read + Write + Send + std::fmt::Debug> Wire for W {}

/// What is said is gathered until something is to be heard.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Box<dyn Wire>>,
    /// What was not said yet.
    pub out: Vec<u8>,
}

impl Connection {
    /// Says what was gathered.
    ///
    /// # Errors
    /// The server is gone.
    pub fn flush(&mut self) -> Result<()> {
        self.reader.get_mut().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// The next line, without its end.
    ///
    /// # Errors
    /// The server is gone, or answers with something else.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(text) => Ok(text.to_owned()),
            None => bail!("the server answered {line:?}"),
        }
    }

    /// The next so many bytes, which a line end follows.
    ///
    /// # Errors
    /// The server is gone, or answers with something else.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count + 2];
        self.reader.read_exact(&mut bytes)?;
        ensure!(bytes.ends_with(b"\r\n"), "the server answered with more than {count} bytes");
        bytes.truncate(count);
        Ok(bytes)
    }
}
