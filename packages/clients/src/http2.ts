export {
  createHttp2Sessions,
  type Http2Sessions,
  type PooledSession,
  type SessionWaiter,
  StreamsFull,
} from "./http2-sessions.ts";
export { wasNotProcessed } from "./open-http2-session.ts";
export { placeOn, streamsOn } from "./streams-on.ts";
