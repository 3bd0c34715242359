import net from "node:net";

/** Sends bytes as they are and returns everything that came back until the peer closed or `until` is content. */
export function sendRaw(
  port: number,
  text: string,
  until: (answer: string) => boolean = () => false,
  afterFirstAnswer?: (socket: net.Socket) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    let answer = "";
    socket.setTimeout(60_000, () => socket.destroy(new Error(`no answer within a minute, only: ${answer}`)));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (until(answer)) socket.destroy();
      if (afterFirstAnswer && answers(1)(answer)) {
        afterFirstAnswer(socket);
        afterFirstAnswer = undefined;
      }
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(text, "latin1");
  });
}

/** True once `count` whole answers with a content-length are there. */
export const answers =
  (count: number) =>
  (text: string): boolean => {
    let rest = text;
    for (let i = 0; i < count; i++) {
      const end = rest.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(rest.slice(0, end))?.[1];
      if (end === -1 || length === undefined || rest.length < end + 4 + Number(length)) return false;
      rest = rest.slice(end + 4 + Number(length));
    }
    return true;
  };
