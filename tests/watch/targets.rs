//! Small HTTP servers that stop and restart at the same address.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An instance, reduced to `/readyz`.
pub struct Target {
    pub address: SocketAddr,
    name: String,
    listening: Option<JoinHandle<()>>,
}

impl Target {
    pub async fn start(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut target = Self {
            address: listener.local_addr().unwrap(),
            name: name.into(),
            listening: None,
        };
        target.listen(listener, 200, "");
        target
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn listen(&mut self, listener: TcpListener, status: u16, rest: &str) {
        let body = format!(
            r#"{{"instance":"{}","ready":{}{rest}}}"#,
            self.name,
            status == 200
        );
        self.listening = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, status, body.clone()));
            }
        }));
    }

    /// Refuses connections from now on.
    pub async fn stop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            listening.await.ok();
        }
    }

    pub async fn restart(&mut self) {
        self.answer_with(200, "").await;
    }

    /// Restarts with another status and additional JSON fields.
    pub async fn answer_with(&mut self, status: u16, rest: &str) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.listen(listener, status, rest);
    }

    /// Accepts connections without ever answering.
    pub async fn hang(&mut self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.listening = Some(tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        }));
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
        }
    }
}

async fn answer(mut stream: TcpStream, status: u16, body: String) {
    let mut asked = [0; 1024];
    if stream.read(&mut asked).await.is_ok() {
        let answer = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.ok();
    }
}
