//! `IpAddress`: an address against a CIDR range of its own family.

use std::net::IpAddr;

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    address: IpAddr,
    prefix: u32,
}

impl Cidr {
    /// An address with a prefix length; without one, that address alone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            // `parse` takes a sign.
            Some(digits)
                if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                digits.parse().ok()?
            }
            Some(_) => return None,
            None => bits,
        };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                // A shift by all bits overflows: `0.0.0.0/0` is every address.
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                (u32::from(own) ^ u32::from(other)) & mask == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                (u128::from(own) ^ u128::from(other)) & mask == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Whether the character can stand in an address or a range.
pub(crate) fn is_part(c: char) -> bool {
    c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/')
}

/// Addresses among which there is one of every set that the ranges divide all addresses into: ranges
/// never overlap in part, so each set begins at the start of a range, behind one, or at the very first.
pub(crate) fn representatives(ranges: &[Cidr]) -> Vec<String> {
    let mut out = vec![IpAddr::from([0_u8; 4]), IpAddr::from([0_u8; 16])];
    for range in ranges {
        match range.address {
            IpAddr::V4(own) => {
                let mask = u32::MAX.checked_shl(32 - range.prefix).unwrap_or(0);
                let first = u32::from(own) & mask;
                out.push(IpAddr::from(first.to_be_bytes()));
                let behind = (first | !mask).checked_add(1);
                out.extend(behind.map(|address| IpAddr::from(address.to_be_bytes())));
            }
            IpAddr::V6(own) => {
                let mask = u128::MAX.checked_shl(128 - range.prefix).unwrap_or(0);
                let first = u128::from(own) & mask;
                out.push(IpAddr::from(first.to_be_bytes()));
                let behind = (first | !mask).checked_add(1);
                out.extend(behind.map(|address| IpAddr::from(address.to_be_bytes())));
            }
        }
    }
    out.iter().map(ToString::to_string).collect()
}
