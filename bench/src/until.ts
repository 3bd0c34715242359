/** Asks until the answer is yes; an error counts as no. Throws after five minutes. */
export async function until(condition: () => Promise<boolean>, everyMs = 50): Promise<void> {
  const deadline = performance.now() + 300_000;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadline) throw new Error("what the benchmark waits for did not come within 5 minutes");
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
