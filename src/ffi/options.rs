//! `cm_options`, and the table of options.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use super::error::{c_string, cm_error};
use super::status::{CM_OK, cm_status};
use super::{guard, guard_or, null, out, required, text};
use crate::options::{Options, Spec, TABLE};

/// Options for cm_client_new, as names and values. Belongs to one thread at a time; may be
/// freed as soon as the client is made.
pub struct cm_options {
    options: Options,
    /// What cm_options_get returned last.
    shown: CString,
}

impl cm_options {
    pub(super) fn options(&self) -> &Options {
        &self.options
    }
}

/// One row of the table of options. All texts are static.
#[repr(C)]
pub struct cm_option {
    pub name: *const c_char,
    /// "choice", "integer", "boolean" or "text"
    pub type_name: *const c_char,
    /// The value when nobody sets one.
    pub default_value: *const c_char,
    /// The values allowed.
    pub range: *const c_char,
    /// What the option does.
    pub text: *const c_char,
}

/// The table as C strings.
struct Row {
    row: cm_option,
    _texts: [CString; 5],
}

// SAFETY: the pointers lead to the texts beside them, which nobody changes.
unsafe impl Sync for Row {}
// SAFETY: as above.
unsafe impl Send for Row {}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| TABLE.iter().map(row).collect());

fn row(spec: &Spec) -> Row {
    let texts = [
        spec.name,
        spec.type_name(),
        spec.default,
        &spec.range(),
        spec.text,
    ]
    .map(c_string);
    let [name, type_name, default_value, range, text] = texts.each_ref().map(|text| text.as_ptr());
    Row {
        row: cm_option {
            name,
            type_name,
            default_value,
            range,
            text,
        },
        _texts: texts,
    }
}

/// Options with their defaults. Free with cm_options_free. Never NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn cm_options_new() -> *mut cm_options {
    guard_or(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(cm_options {
            options: Options::new(),
            shown: CString::default(),
        }))
    })
}

/// Sets an option. Both texts end with NUL and are copied.
///
/// CM_ERR_OPTION: there is no such option, or the value is out of its range.
/// Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_options_set(
    options: *mut cm_options,
    name: *const c_char,
    value: *const c_char,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (options, name, value) = unsafe {
            let options = options.as_mut().ok_or_else(|| null("options"))?;
            (options, text(name, "name")?, text(value, "value")?)
        };
        options.options.set(name, value)?;
        Ok(CM_OK)
    })
}

/// Reads an option back: what was set, or the default.
///
/// *value_out lives until the next call with these options; NULL unless the call returns CM_OK.
/// CM_ERR_OPTION: there is no such option. Since 0.1.0.
///
/// # Safety
/// The pointers are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_options_get(
    options: *mut cm_options,
    name: *const c_char,
    value_out: *mut *const c_char,
    error_out: *mut *mut cm_error,
) -> cm_status {
    guard(error_out, || {
        // SAFETY: as the caller promises.
        let (value_out, options, name) = unsafe {
            let value_out = out(value_out, std::ptr::null(), "value_out")?;
            let options = options.as_mut().ok_or_else(|| null("options"))?;
            (value_out, options, text(name, "name")?)
        };
        options.shown = c_string(options.options.get(name)?);
        *value_out = options.shown.as_ptr();
        Ok(CM_OK)
    })
}

/// Frees options. NULL is fine.
///
/// Since 0.1.0.
///
/// # Safety
/// `options` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cm_options_free(options: *mut cm_options) {
    guard_or((), || {
        if !options.is_null() {
            // SAFETY: made by cm_options_new, freed once as the caller promises.
            drop(unsafe { Box::from_raw(options) });
        }
    });
}

/// How many options there are.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn cm_option_count() -> usize {
    TABLE.len()
}

/// The option at a place in the table, from 0; NULL behind the last. Static.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn cm_option_at(index: usize) -> *const cm_option {
    guard_or(std::ptr::null(), || {
        ROWS.get(index)
            .map_or(std::ptr::null(), |row| &raw const row.row)
    })
}

/// The options of a caller who may give none.
///
/// # Safety
/// `options` is NULL or valid for `'a`.
pub(super) unsafe fn or_defaults(options: *const cm_options) -> Options {
    // SAFETY: as the caller promises.
    match unsafe { required(options, "options") } {
        Ok(options) => options.options().clone(),
        Err(_) => Options::new(),
    }
}
