// The WebSocket of ws (npm) as its user opens it: verified, subscribed.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.BENCH_MODULES}/here`);
const WebSocket = require('ws');

export function dial(url, options, message, over) {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  socket.on('open', () => socket.send('{"action":"subscribe"}'));
  socket.on('message', message);
  socket.on('close', over);
  socket.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
