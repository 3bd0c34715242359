/** What has to wait for what. */
export interface Node {
  name: string;
  dependsOn: readonly string[];
}

/**
 * Names in an order in which every name comes after those it depends on. Throws an error for a person when a dependency
 * does not exist or when services wait for each other in a circle.
 */
export function dependencyOrder(nodes: readonly Node[]): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const done = new Set<string>();
  const order: string[] = [];

  function visit(node: Node, trail: readonly string[]): void {
    if (done.has(node.name)) return;
    const start = trail.indexOf(node.name);
    if (start >= 0) {
      const circle = [...trail.slice(start), node.name].join(" -> ");
      throw new Error(`services wait for each other: ${circle}; remove one of these from spec.dependsOn`);
    }
    for (const name of node.dependsOn) {
      const dependency = byName.get(name);
      if (!dependency) {
        const known = [...byName.keys()].sort().join(", ");
        throw new Error(`${node.name} depends on ${name}, which is not among the services here (${known})`);
      }
      visit(dependency, [...trail, node.name]);
    }
    done.add(node.name);
    order.push(node.name);
  }

  for (const node of nodes) visit(node, []);
  return order;
}
