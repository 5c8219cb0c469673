//! A connected socket: the system calls, and nothing else.
//!
//! Sockets stay in blocking mode. The state machine passes `MSG_DONTWAIT`, so it never
//! blocks; a lone caller waits inside `recv` itself, under the socket's receive
//! timeout, which saves it the `poll`.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::fork::Tracked;

/// How a TCP connection is set up.
#[derive(Clone, Copy, Debug)]
pub struct TcpSettings {
    pub nodelay: bool,
    pub keepalive: Option<Duration>,
}

/// Whether a call may wait for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// Until the receive timeout of the socket.
    UpToReceiveTimeout,
}

#[derive(Debug)]
pub struct Stream {
    socket: Tracked<Socket>,
    receive_timeout: Option<Duration>,
}

impl Stream {
    /// Begins to connect. True when the connection stands already.
    pub fn connect(address: &SockAddr, tcp: TcpSettings) -> io::Result<(Self, bool)> {
        let domain = address.domain();
        // SOCK_CLOEXEC comes with `Socket::new`.
        let socket = Tracked::open(|| Socket::new(domain, Type::STREAM, None))?;
        let stream = Self {
            socket,
            receive_timeout: None,
        };
        let socket = stream.socket.get()?;
        if domain != Domain::UNIX {
            socket.set_tcp_nodelay(tcp.nodelay)?;
            if let Some(idle) = tcp.keepalive {
                let keepalive = socket2::TcpKeepalive::new().with_time(idle);
                socket.set_tcp_keepalive(&keepalive)?;
            }
        }
        socket.set_nonblocking(true)?;
        match socket.connect(address) {
            Ok(()) => {
                socket.set_nonblocking(false)?;
                Ok((stream, true))
            }
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok((stream, false)),
            Err(error) => Err(error),
        }
    }

    /// Two ends of a connection.
    #[cfg(test)]
    pub fn pair() -> (Self, Socket) {
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("socketpair");
        let stream = Self {
            socket: Tracked::open(|| Ok(ours)).expect("tracked"),
            receive_timeout: None,
        };
        (stream, theirs)
    }

    /// To be asked once the socket is writable: how connecting ended.
    pub fn finish_connect(&self) -> io::Result<()> {
        let socket = self.socket.get()?;
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        // A shutdown while connecting leaves no error behind.
        socket.peer_addr()?;
        socket.set_nonblocking(false)
    }

    /// Sends what the socket takes at once; 0 when it takes nothing now.
    pub fn send(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        loop {
            let socket = self.socket.get()?;
            let sent = match parts {
                [part] => socket.send_with_flags(part, flags),
                parts => socket.send_vectored_with_flags(parts, flags),
            };
            match sent {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                sent => return sent,
            }
        }
    }

    /// Receives up to `limit` bytes behind what `into` holds, into memory it has already.
    /// `WouldBlock` when nothing came in time; 0 at the end of the stream.
    pub fn receive(&self, into: &mut Vec<u8>, limit: usize, wait: Wait) -> io::Result<usize> {
        let flags = match wait {
            Wait::No => libc::MSG_DONTWAIT,
            Wait::UpToReceiveTimeout => 0,
        };
        let spare = into.spare_capacity_mut();
        let room = spare.len().min(limit);
        let received = self
            .socket
            .get()?
            .recv_with_flags(&mut spare[..room], flags)?;
        // SAFETY: `recv` has written that many bytes into the spare capacity.
        unsafe { into.set_len(into.len() + received) };
        Ok(received)
    }

    /// Sets how long [`Wait::UpToReceiveTimeout`] waits. Costs a system call only when it
    /// differs from what is set.
    pub fn set_receive_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        // Zero would mean forever.
        let timeout = timeout.max(Duration::from_micros(1));
        if self.receive_timeout != Some(timeout) {
            self.socket.get()?.set_read_timeout(Some(timeout))?;
            self.receive_timeout = Some(timeout);
        }
        Ok(())
    }

    pub fn receive_timeout(&self) -> Option<Duration> {
        self.receive_timeout
    }

    /// True when nothing has arrived and the peer has not closed: what a connection without
    /// a reply outstanding must look like.
    pub fn is_quiet(&self) -> bool {
        let Ok(socket) = self.socket.get() else {
            return false;
        };
        let mut byte = [MaybeUninit::uninit()];
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        let peeked = socket.recv_with_flags(&mut byte, flags);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// True when the peer has closed, even if something it sent before has not been received.
    pub fn has_ended(&self) -> bool {
        let mut entry = libc::pollfd {
            fd: self.fd(),
            events: libc::POLLRDHUP,
            revents: 0,
        };
        // SAFETY: the one entry lives during the call, which does not wait.
        let ready = unsafe { libc::poll(&mut entry, 1, 0) };
        entry.fd < 0 || ready < 0 || entry.revents != 0
    }

    /// The descriptor, for `poll` and for [`shutdown`]; -1 in a child that inherited it.
    pub fn fd(&self) -> RawFd {
        self.socket.get().map_or(-1, AsRawFd::as_raw_fd)
    }
}

/// Ends a connection another thread may be waiting on: its `recv` or `poll` returns.
/// The descriptor stays open, so the number cannot become another file meanwhile.
pub fn shutdown(fd: RawFd) {
    // SAFETY: shutdown takes any number; the caller holds the lock under which `fd` would be
    // taken off its list before it is closed.
    unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
}
