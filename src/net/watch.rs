//! What an event loop watches in place of many sockets: one descriptor that is readable when
//! there is something to do (`epoll(7)`).

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::fork::Tracked;
use super::poll::Ready;
use super::wake::Mailbox;

/// Tokens of what is not a caller's socket.
const MAIL: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

/// So many events are taken at a time.
const EVENTS: usize = 64;

#[derive(Debug)]
pub struct Watch {
    epoll: Tracked<OwnedFd>,
    timer: Tracked<File>,
    pub mailbox: Arc<Mailbox>,
}

/// What has happened.
#[derive(Debug, Default)]
pub struct Events {
    /// Tokens of sockets, and what each is ready for.
    pub sockets: Vec<(u64, Ready)>,
    pub mail: Vec<u64>,
}

impl Watch {
    pub fn new() -> io::Result<Self> {
        let watch = Self {
            epoll: Tracked::open(epoll_fd)?,
            timer: Tracked::open(timer_fd)?,
            mailbox: Arc::new(Mailbox::new()?),
        };
        watch.control(
            libc::EPOLL_CTL_ADD,
            watch.mailbox.descriptor()?,
            MAIL,
            Ready::READABLE,
        )?;
        let timer = watch.timer.get()?.as_raw_fd();
        watch.control(libc::EPOLL_CTL_ADD, timer, TIMER, Ready::READABLE)?;
        Ok(watch)
    }

    /// Readable when there is something to do; an error in a child that inherited it.
    pub fn descriptor(&self) -> io::Result<RawFd> {
        Ok(self.epoll.get()?.as_raw_fd())
    }

    /// Watches a socket, or goes on to watch it for something else.
    pub fn set(&self, fd: RawFd, token: u64, ready: Ready) -> io::Result<()> {
        match self.control(libc::EPOLL_CTL_MOD, fd, token, ready) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                self.control(libc::EPOLL_CTL_ADD, fd, token, ready)
            }
            result => result,
        }
    }

    /// Watches a socket no longer. One that was closed is not watched any more anyway.
    pub fn forget(&self, fd: RawFd) {
        let _ = self.control(libc::EPOLL_CTL_DEL, fd, 0, Ready::default());
    }

    /// Becomes readable after this time; `None`: not because of time.
    pub fn set_timer(&self, after: Option<Duration>) -> io::Result<()> {
        // Zero would stop the timer.
        let after = after.map_or(Duration::ZERO, |after| after.max(Duration::from_nanos(1)));
        let zero = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let time = libc::itimerspec {
            it_interval: zero,
            it_value: libc::timespec {
                tv_sec: after.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                tv_nsec: after.subsec_nanos().into(),
            },
        };
        let timer = self.timer.get()?.as_raw_fd();
        // SAFETY: the time lives during the call; the old one is not wanted.
        let set = unsafe { libc::timerfd_settime(timer, 0, &time, std::ptr::null_mut()) };
        ok(set)
    }

    /// Takes what has happened so far, without waiting.
    pub fn take(&self) -> io::Result<Events> {
        let mut events = Events::default();
        let mut buffer = [MaybeUninit::<libc::epoll_event>::uninit(); EVENTS];
        let (first, room) = (buffer.as_mut_ptr().cast(), EVENTS as i32);
        let epoll = self.descriptor()?;
        // SAFETY: the buffer has room for that many events and lives during the call.
        let count = unsafe { libc::epoll_wait(epoll, first, room, 0) };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::Interrupted => Ok(events),
                _ => Err(error),
            };
        }
        for event in &buffer[..count as usize] {
            // SAFETY: epoll_wait has written that many events.
            let event = unsafe { event.assume_init() };
            match event.u64 {
                MAIL => events.mail = self.mailbox.take(),
                TIMER => {
                    // Read, so that it is not readable any more.
                    let _ = self.timer.get()?.read(&mut [0; 8]);
                }
                token => events.sockets.push((token, ready(event.events))),
            }
        }
        Ok(events)
    }

    fn control(&self, what: i32, fd: RawFd, token: u64, ready: Ready) -> io::Result<()> {
        let flag = |on, flag: i32| if on { flag as u32 } else { 0 };
        let mut event = libc::epoll_event {
            events: flag(ready.readable, libc::EPOLLIN) | flag(ready.writable, libc::EPOLLOUT),
            u64: token,
        };
        let epoll = self.descriptor()?;
        // SAFETY: the event lives during the call.
        ok(unsafe { libc::epoll_ctl(epoll, what, fd, &mut event) })
    }
}

/// As [`super::poll::Poll::ready`]: an error or an end shows as both.
fn ready(events: u32) -> Ready {
    let broken = events & (libc::EPOLLERR | libc::EPOLLHUP) as u32 != 0;
    Ready {
        readable: broken || events & libc::EPOLLIN as u32 != 0,
        writable: broken || events & libc::EPOLLOUT as u32 != 0,
    }
}

fn epoll_fd() -> io::Result<OwnedFd> {
    // SAFETY: takes no pointer; a descriptor it returns belongs to nobody else.
    unsafe {
        let fd = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        ok(fd.min(0))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

fn timer_fd() -> io::Result<File> {
    // SAFETY: takes no pointer; a descriptor it returns belongs to nobody else.
    unsafe {
        let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        let fd = libc::timerfd_create(libc::CLOCK_MONOTONIC, flags);
        ok(fd.min(0))?;
        Ok(File::from_raw_fd(fd))
    }
}

fn ok(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
