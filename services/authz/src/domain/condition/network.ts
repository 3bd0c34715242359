import { BlockList, isIP } from "node:net";

/** Whether an address lies in a network such as "10.0.0.0/8" or "2001:db8::/32". Throws Error for what is neither. */
export function inCidr(address: string, cidr: string): boolean {
  const [network, prefix, more] = cidr.split("/");
  const family = isIP(network ?? "");
  const bits = Number(prefix);
  const valid = /^\d{1,3}$/.test(prefix ?? "") && bits <= (family === 4 ? 32 : 128);
  if (family === 0 || more !== undefined || !valid) throw new Error(`${JSON.stringify(cidr)} is not a network`);
  const addressFamily = isIP(address);
  if (addressFamily === 0) throw new Error(`${JSON.stringify(address)} is not an IP address`);
  const networks = new BlockList();
  networks.addSubnet(network as string, bits, family === 4 ? "ipv4" : "ipv6");
  return networks.check(address, addressFamily === 4 ? "ipv4" : "ipv6");
}
