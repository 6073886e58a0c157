//! A name server on loopback that says what it was told to say (RFC 1035, section 4), and nothing about other names.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

const A: u16 = 1;
const MX: u16 = 15;
const TXT: u16 = 16;

/// What it says.
#[derive(Default, Clone)]
pub struct Zone(HashMap<(String, u16), Vec<Vec<u8>>>);

impl Zone {
    fn with(mut self, name: &str, kind: u16, data: Vec<u8>) -> Self {
        self.0.entry((name.to_owned(), kind)).or_default().push(data);
        self
    }

    /// A text, in pieces of 200 bytes.
    pub fn text(self, name: &str, text: &str) -> Self {
        let mut data = Vec::new();
        for piece in text.as_bytes().chunks(200) {
            data.push(piece.len() as u8);
            data.extend_from_slice(piece);
        }
        self.with(name, TXT, data)
    }

    /// An address.
    pub fn address(self, name: &str, address: &str) -> Self {
        let address: Ipv4Addr = address.parse().unwrap();
        self.with(name, A, address.octets().to_vec())
    }

    /// A mail exchanger; an empty one is the root.
    pub fn exchanger(self, name: &str, exchanger: &str) -> Self {
        let mut data = vec![0, 10];
        for label in exchanger.split('.').filter(|label| !label.is_empty()) {
            data.push(label.len() as u8);
            data.extend_from_slice(label.as_bytes());
        }
        data.push(0);
        self.with(name, MX, data)
    }

    /// Answers until the test ends; gives where.
    pub fn serve(self) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut question = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                socket.send_to(&self.answer(&question[..length]), from).unwrap();
            }
        });
        address
    }

    fn answer(&self, question: &[u8]) -> Vec<u8> {
        let mut at = 12;
        let mut labels = Vec::new();
        while question[at] != 0 {
            let length = usize::from(question[at]);
            labels.push(String::from_utf8_lossy(&question[at + 1..=at + length]).to_lowercase());
            at += 1 + length;
        }
        let end = at + 5;
        let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
        let name = labels.join(".");
        let found = self.0.get(&(name.clone(), kind)).cloned().unwrap_or_default();
        let exists = self.0.keys().any(|(known, _)| *known == name);
        let mut answer = question[..2].to_vec();
        // An answer, recursion available; NXDOMAIN where there is no such name.
        answer.extend_from_slice(&[
            0x81,
            if exists { 0x80 } else { 0x83 },
            0,
            1,
            0,
            found.len() as u8,
            0,
            0,
            0,
            0,
        ]);
        answer.extend_from_slice(&question[12..end]);
        for data in found {
            answer.extend_from_slice(&[0xc0, 12]);
            answer.extend_from_slice(&kind.to_be_bytes());
            answer.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
            answer.extend_from_slice(&(data.len() as u16).to_be_bytes());
            answer.extend_from_slice(&data);
        }
        answer
    }
}
