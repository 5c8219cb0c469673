//! `cm_client`: its life, and where keys belong.

use std::ffi::c_char;
use std::sync::Arc;

use super::error::cm_error;
use super::options::{cm_options, or_defaults};
use super::status::{CM_OK, cm_status};
use super::{bytes, guard, guard_or, out, required, text};
use crate::client::Client;
use crate::error::Result;

/// A client of a fleet of servers. Safe to use from any number of threads at once and across
/// fork: a child uses connections of its own.
pub struct cm_client {
    client: Arc<Client>,
}

impl cm_client {
    /// # Safety
    /// `client` is NULL or valid for `'a`.
    pub(super) unsafe fn client<'a>(client: *const cm_client) -> Result<&'a Client> {
        // SAFETY: as the caller promises.
        Ok(&unsafe { required(client, "client") }?.client)
    }

    /// As [`cm_client::client`], for what may outlive it.
    ///
    /// # Safety
    /// `client` is NULL or valid for `'a`.
    pub(super) unsafe fn shared<'a>(client: *const cm_client) -> Result<&'a Arc<Client>> {
        // SAFETY: as the caller promises.
        Ok(&unsafe { required(client, "client") }?.client)
    }
}

/// Makes a client. No server needs to be reachable: connections are made on first use.
///
/// servers: a list, separated by commas or newlines, of `ADDRESS [weight=N] [name=ID]`, ending
/// with NUL. ADDRESS is `host`, `host:port` (11211 when left out), `[ipv6]:port` or `unix:/path`.
/// In a path or a name, a comma, space, `%` or control character is written `%XX`.
/// options: copied; NULL for the defaults.
/// *client_out: to be freed with cm_client_free; NULL unless the call returns CM_OK.
/// CM_ERR_ARGUMENT: something is wrong with the list; the message names the entry.
/// CM_ERR_OPTION: options exclude each other. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_client_new(
    servers: *const c_char,
    options: *const cm_options,
    client_out: *mut *mut cm_client,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (client_out, servers, options) = unsafe {
            let client_out = out(client_out, std::ptr::null_mut(), "client_out")?;
            (client_out, text(servers, "servers")?, or_defaults(options))
        };
        let client = Arc::new(Client::new(servers, &options)?);
        *client_out = Box::into_raw(Box::new(cm_client { client }));
        Ok(CM_OK)
    })
}

/// Gives a client another list of servers, without a restart.
///
/// It takes effect for the next call; calls under way finish on the old list. A server that is in
/// both lists, under the same identity and the same address, keeps its connections and its health;
/// the connections of one that has gone are closed when the last call that uses them ends.
/// servers: as for cm_client_new. After an error the old list stays.
/// CM_ERR_ARGUMENT: something is wrong with the list; the message names the entry.
/// CM_ERR_CLOSED: the client was closed. Safe from any thread. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_client_set_servers(
    client: *mut cm_client,
    servers: *const c_char,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (client, servers) = unsafe { (cm_client::client(client)?, text(servers, "servers")?) };
        client.set_servers(servers)?;
        Ok(CM_OK)
    })
}

/// As cm_client_set_servers, with another placement too.
///
/// options: what they do not say of `distribution`, `compat`, `hash`, `slots` and `hash_prefix` has its
/// default; NULL is all of them. They are copied.
/// CM_ERR_OPTION: an option about something else is set, or some exclude each other. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_client_set_fleet(
    client: *mut cm_client,
    servers: *const c_char,
    options: *const cm_options,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (client, servers, options) = unsafe {
            let client = cm_client::client(client)?;
            (client, text(servers, "servers")?, or_defaults(options))
        };
        client.set_fleet(servers, &options)?;
        Ok(CM_OK)
    })
}

/// How many servers the list has. 0 for NULL.
///
/// Since 0.1.0.
///
/// # Safety
/// `client` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_client_server_count(client: *mut cm_client) -> usize {
    guard_or(0, || {
        // SAFETY: as the caller promises.
        unsafe { cm_client::client(client) }.map_or(0, Client::server_count)
    })
}

/// Closes every connection. Calls that wait end with CM_ERR_CLOSED, and so do all later ones.
///
/// From any thread, any number of times; NULL is fine. The client is still to be freed.
/// Since 0.1.0.
///
/// # Safety
/// `client` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_client_close(client: *mut cm_client) {
    guard_or((), || {
        // SAFETY: as the caller promises.
        if let Ok(client) = unsafe { cm_client::client(client) } {
            client.close();
        }
    });
}

/// Closes and frees a client: once, when no other call is in it. NULL is fine.
///
/// Results outlive the client. Since 0.1.0.
///
/// # Safety
/// `client` is NULL or has not been freed, and no other thread is using it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_client_free(client: *mut cm_client) {
    guard_or((), || {
        if !client.is_null() {
            // SAFETY: made by cm_client_new, freed once as the caller promises.
            let client = unsafe { Box::from_raw(client) };
            // A queue may keep what is behind it.
            client.client.close();
        }
    });
}

/// Says which server a key belongs to. Asks no server.
///
/// *index_out: its place in the list of servers, from 0.
/// CM_ERR_KEY: no server takes such a key. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_select_server(
    client: *mut cm_client,
    key: *const c_char,
    key_len: usize,
    index_out: *mut usize,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (index_out, client, key) = unsafe {
            let index_out = out(index_out, 0, "index_out")?;
            let client = cm_client::client(client)?;
            (index_out, client, bytes(key.cast(), key_len, "key")?)
        };
        *index_out = client.select_server(key)?;
        Ok(CM_OK)
    })
}
