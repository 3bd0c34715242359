import { spawnSync } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Gateway, GatewayBench } from "./gateway.ts";

/** nginx, forwarding alone; undefined when it is not installed. */
export async function nginxGateway({ port, upstreamPort }: GatewayBench): Promise<Gateway | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-bench-nginx-"));
  const config = path.join(folder, "nginx.conf");
  const asked = spawnSync("nginx", ["-v"], { encoding: "utf8" });
  if (asked.status !== 0) {
    process.stdout.write("nginx is left out: apt-get install nginx-light\n");
    return undefined;
  }
  await writeFile(
    config,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  keepalive_requests 100000000;
  upstream service { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  return {
    name: "nginx",
    version: /nginx\/(\S+)/.exec(asked.stderr)?.[1] ?? "?",
    paths: { plain: "/plain/x" },
    start: { command: "nginx", args: ["-p", folder, "-c", config], port, core: 0 },
  };
}
