import { BlockList, isIP, isIPv6 } from "node:net";

/** Decides which address counts as the caller's when proxies stand in front. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #any: boolean;

  /** `networks`: addresses or CIDR blocks. Throws on anything else. */
  constructor(networks: readonly string[]) {
    this.#any = networks.length > 0;
    for (const network of networks) {
      const [address = "", bits] = network.split("/");
      const family = isIP(address);
      if (family === 0 || (bits !== undefined && !isPrefixLength(bits, family)))
        throw new Error(`must list addresses or CIDR blocks; "${network}" is neither an address nor a CIDR block`);
      const type = family === 6 ? "ipv6" : "ipv4";
      if (bits === undefined) this.#list.addAddress(address, type);
      else this.#list.addSubnet(address, Number(bits), type);
    }
  }

  trusts(address: string): boolean {
    return this.#any && isIP(address) !== 0 && this.#list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  }

  /** The last address in X-Forwarded-For that no trusted proxy has; the peer when there is none. */
  clientAddress(peer: string, forwardedFor: string): string {
    let client = peer;
    for (const entry of forwardedFor.split(",").reverse()) {
      if (!this.trusts(client)) return client;
      const address = plainAddress(entry.trim());
      if (isIP(address) === 0) return client;
      client = address;
    }
    return client;
  }
}

function isPrefixLength(bits: string, family: number): boolean {
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32);
}

/** IPv4 addresses that arrive on an IPv6 socket lose their "::ffff:" prefix. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** Who shares a rate limit: an IPv4 address, or the /64 network that one IPv6 customer usually has. */
export function rateLimitAddress(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const rest = tail === "" ? [] : tail.split(":");
    while (groups.length + rest.length < 8) groups.push("0");
    groups.push(...rest);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
