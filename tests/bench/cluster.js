// An upper-case server with Node's cluster, as its documentation writes one.
//
//     node cluster.js WORKERS PORT        serves on 127.0.0.1 until SIGTERM
const cluster = require('cluster');
const net = require('net');

const [workers, port] = process.argv.slice(2).map(Number);

if (cluster.isPrimary) {
  let listening = 0;
  cluster.on('listening', () => { if (++listening === workers) console.log('ready'); });
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      for (let i = 0; i < bytes.length; i++) if (bytes[i] >= 97 && bytes[i] <= 122) bytes[i] -= 32;
      socket.write(bytes);
    });
  }).listen({ port, host: '127.0.0.1', backlog: 4096 });
}
