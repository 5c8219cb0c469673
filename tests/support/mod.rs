//! Real memcached servers for tests: started on free loopback ports or sockets, stopped when
//! they are dropped.

// Not every test uses everything.
#![allow(dead_code)]

#[cfg(feature = "cli")]
pub mod cm;
pub mod fleet;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use consistent_memcached::client::{Client, Single, Target};
use consistent_memcached::error::Status;
use consistent_memcached::options::Options;
use consistent_memcached::protocol::{Kind, Operation};
use socket2::{Domain, Socket, Type};

/// Nothing in a test waits longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A port of the loopback interface that is the test's own: bound, so that nobody else is given
/// it, even while its memcached is away. Without a memcached, nobody listens there.
#[derive(Debug)]
pub struct Port(Socket);

impl Port {
    pub fn reserve() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).and_then(|socket| {
            socket.set_reuse_address(true)?; // memcached does so too: so it may listen here
            socket.bind(&any.into())?;
            Ok(socket)
        });
        Self(bound.expect("a port"))
    }

    pub fn address(&self) -> SocketAddr {
        let address = self.0.local_addr().expect("address");
        address.as_socket().expect("address")
    }
}

#[derive(Debug)]
enum Place {
    Port(Port),
    Socket(PathBuf),
}

#[derive(Debug)]
pub struct Memcached {
    process: Child,
    place: Place,
}

impl Memcached {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_at(Place::Port(Port::reserve()), arguments)
    }

    pub fn start_on_socket(path: PathBuf) -> Self {
        Self::start_at(Place::Socket(path), &[])
    }

    /// Kills the server and starts another at the same place.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.stop();
        self.process = spawn(&self.place, arguments);
        self.wait_until_it_accepts();
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
        match &self.place {
            Place::Port(port) => port.address().to_string(),
            Place::Socket(path) => format!("unix:{}", path.display()),
        }
    }

    fn start_at(place: Place, arguments: &[&str]) -> Self {
        let process = spawn(&place, arguments);
        let mut server = Self { process, place };
        server.wait_until_it_accepts();
        server
    }

    fn wait_until_it_accepts(&mut self) {
        let until = Instant::now() + PATIENCE;
        let accepts = || match &self.place {
            Place::Port(port) => TcpStream::connect(port.address()).is_ok(),
            Place::Socket(path) => UnixStream::connect(path).is_ok(),
        };
        while !accepts() {
            let ended = self.process.try_wait().expect("wait");
            assert!(ended.is_none(), "memcached: {ended:?}");
            assert!(Instant::now() < until, "memcached does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn spawn(place: &Place, arguments: &[&str]) -> Child {
    let mut command = Command::new("memcached");
    command.args(["-u", "root", "-U", "0", "-t", "2"]);
    match place {
        Place::Port(port) => {
            let (host, port) = (port.address().ip(), port.address().port());
            command.args(["-l", &host.to_string(), "-p", &port.to_string()])
        }
        Place::Socket(path) => command.arg("-s").arg(path),
    };
    command.args(arguments);
    command.stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let process = command.spawn();
    process.expect("memcached is not installed: make setup")
}

impl Drop for Memcached {
    fn drop(&mut self) {
        self.stop();
        if let Place::Socket(path) = &self.place {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A client of these servers. What is not given is patient: a machine may be slow.
pub fn client(servers: &[Memcached], options: &[(&str, &str)]) -> Client {
    let list: Vec<_> = servers.iter().map(Memcached::address).collect();
    client_of(&list.join(","), options)
}

pub fn client_of(list: &str, options: &[(&str, &str)]) -> Client {
    let mut chosen = Options::new();
    let patient = [("timeout_ms", "20000"), ("connect_timeout_ms", "20000")];
    for (name, value) in patient.iter().chain(options) {
        chosen.set(name, value).expect("option");
    }
    Client::new(list, &chosen).expect("client")
}

/// One operation: its status, and the value if it is a hit.
pub fn run(client: &Client, op: Operation<'_>) -> (Status, Vec<u8>) {
    run_within(client, op, Duration::ZERO)
}

/// With a timeout of its own.
pub fn run_within(client: &Client, op: Operation<'_>, timeout: Duration) -> (Status, Vec<u8>) {
    let mut single = Single::new(Target::Owned { headroom: 0 });
    client.execute_one(&op, timeout, &mut single);
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
