//! Real memcached servers for tests: started on free loopback ports or sockets, stopped when
//! they are dropped.

// Not every test uses everything.
#![allow(dead_code)]

#[cfg(feature = "cli")]
pub mod cm;

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use consistent_memcached::client::{Client, Single, Target};
use consistent_memcached::error::Status;
use consistent_memcached::options::Options;
use consistent_memcached::protocol::{Kind, Operation};

/// Nothing in a test waits longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Memcached {
    process: Child,
    listens: Listens,
}

#[derive(Clone, Debug)]
enum Listens {
    Port(u16),
    Socket(PathBuf),
}

impl Memcached {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// On a free port. Another program may take the port in between: then another is tried.
    pub fn start_with(arguments: &[&str]) -> Self {
        for _ in 0..20 {
            let port = free_port();
            if let Some(server) = Self::try_start(Listens::Port(port), arguments) {
                return server;
            }
        }
        panic!("memcached does not start");
    }

    pub fn start_on_socket(path: PathBuf) -> Self {
        Self::try_start(Listens::Socket(path), &[]).expect("memcached does not start")
    }

    /// Kills the server and starts another at the same place.
    pub fn restart(&mut self) {
        self.stop();
        let listens = self.listens.clone();
        *self = Self::try_start(listens, &[]).expect("memcached does not start again");
    }

    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Freezes the server: it accepts connections but never answers. The signal is only a
    /// request, which a thread may meet in the middle of an answer: this returns when none runs.
    pub fn suspend(&self) {
        self.signal("STOP");
        let until = Instant::now() + PATIENCE;
        while !self.is_stopped() {
            assert!(Instant::now() < until, "memcached does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let status = kill
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status();
        assert!(status.expect("kill").success());
    }

    /// Whether each of its threads is.
    fn is_stopped(&self) -> bool {
        let threads = format!("/proc/{}/task", self.process.id());
        std::fs::read_dir(threads).expect("threads").all(|thread| {
            let path = thread.expect("thread").path().join("stat");
            let stat = std::fs::read_to_string(path).expect("stat");
            // The state follows the name, which is in brackets and may hold some itself.
            let (_, state) = stat.rsplit_once(") ").expect("state");
            state.starts_with('T')
        })
    }

    /// As it stands in a list of servers.
    pub fn address(&self) -> String {
        match &self.listens {
            Listens::Port(port) => format!("127.0.0.1:{port}"),
            Listens::Socket(path) => format!("unix:{}", path.display()),
        }
    }

    fn try_start(listens: Listens, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new("memcached");
        command.args(["-u", "root", "-U", "0", "-t", "2"]);
        match &listens {
            Listens::Port(port) => command.args(["-l", "127.0.0.1", "-p", &port.to_string()]),
            Listens::Socket(path) => command.arg("-s").arg(path),
        };
        command.args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command
            .spawn()
            .expect("memcached is not installed: make setup");
        let mut server = Self { process, listens };
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if server.process.try_wait().expect("wait").is_some() {
                return None;
            }
            let reached = match &server.listens {
                Listens::Port(port) => TcpStream::connect(("127.0.0.1", *port)).is_ok(),
                Listens::Socket(path) => UnixStream::connect(path).is_ok(),
            };
            if reached {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        self.stop();
        if let Listens::Socket(path) = &self.listens {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A port nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("address").port()
}

/// A client of these servers.
pub fn client(servers: &[Memcached], options: &[(&str, &str)]) -> Client {
    let list: Vec<_> = servers.iter().map(Memcached::address).collect();
    client_of(&list.join(","), options)
}

pub fn client_of(list: &str, options: &[(&str, &str)]) -> Client {
    let mut chosen = Options::new();
    for (name, value) in options {
        chosen.set(name, value).expect("option");
    }
    Client::new(list, &chosen).expect("client")
}

/// One operation: its status, and the value if it is a hit.
pub fn run(client: &Client, op: Operation<'_>) -> (Status, Vec<u8>) {
    let mut single = Single::new(Target::Owned { headroom: 0 });
    client.execute_one(&op, Duration::ZERO, &mut single);
    (single.status(), single.take_memory())
}

pub fn set(client: &Client, key: &[u8], value: &[u8]) -> Status {
    let op = Operation {
        value,
        ..Operation::new(Kind::Set, key)
    };
    run(client, op).0
}

pub fn get(client: &Client, key: &[u8]) -> (Status, Vec<u8>) {
    run(client, Operation::new(Kind::Get, key))
}
