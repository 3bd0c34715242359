/** The part of the Compose specification that is used (https://github.com/compose-spec/compose-spec). */
export interface ComposeFile {
  name: string;
  services: Record<string, ComposeService>;
  volumes: Record<string, object>;
  configs: Record<string, { file: string }>;
}

export interface ComposeService {
  image?: string;
  build?: { context: string; args: Record<string, string> };
  entrypoint?: string[];
  command?: string[];
  user?: string;
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: "service_healthy" | "service_completed_successfully" }>;
  healthcheck?: Healthcheck;
  volumes?: Volume[];
  configs?: Mounted[];
  ports?: string[];
  network_mode?: "none";
  restart: "unless-stopped" | "no";
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  deploy?: { resources: { limits: { cpus: string; memory: string } } };
}

export interface Mounted {
  source: string;
  target: string;
}

export interface Volume {
  type: "volume" | "bind";
  source: string;
  target: string;
  read_only?: boolean;
}

interface Healthcheck {
  test: string[];
  interval: string;
  timeout: string;
  retries: number;
  start_period: string;
}

const tag = "0.1.0";

/** What the shared Dockerfile builds from source with, besides the program's name. */
const buildArguments = {
  NODE_IMAGE: `\${NODE_IMAGE:-node:26-bookworm-slim}`,
  NPM_CONFIG_REGISTRY: `\${NPM_CONFIG_REGISTRY:-}`,
};

/** An image of ours. */
export const ownImage = (name: string) => ({
  image: `plinth/${name}:${tag}`,
  build: { context: ".", args: { SERVICE: name, ...buildArguments } },
});

/** A container that can do nothing but run its program. */
export const program = (image: string, entrypoint: readonly string[]): ComposeService => ({
  ...ownImage(image),
  entrypoint: [...entrypoint],
  ...confined,
  restart: "unless-stopped",
  stop_grace_period: "30s",
  deploy: limits("1", "512M"),
});

export const confined = {
  read_only: true,
  tmpfs: ["/tmp"],
  cap_drop: ["ALL"],
  security_opt: ["no-new-privileges:true"],
};

export const limits = (cpus: string, memory: string) => ({ resources: { limits: { cpus, memory } } });

/** A check by a line of JavaScript: the images hold Node and nothing else. */
export const isReady = (code: string): Healthcheck => healthcheck(["CMD", "node", "-e", code]);

export const healthcheck = (test: string[]): Healthcheck => ({
  test,
  interval: "5s",
  timeout: "5s",
  retries: 6,
  start_period: "60s",
});

/** The same by a program that costs next to nothing. Everything else waits for the answer, and the first comes after an interval. */
export const quickHealthcheck = (test: string[]): Healthcheck => ({
  ...healthcheck(test),
  interval: "2s",
  retries: 15,
});
