/** Numbers that a test has measured, for whoever reads its output. Printed, never asserted: machines differ. */
export function figure(text: string): void {
  process.stderr.write(`    ${text}\n`);
}
