/** A line of SHOW WARNINGS that a statement leaves behind without failing. */
export interface StatementNote {
  readonly level: 'Note' | 'Warning';
  /** MySQL's errno where there is one for it, else 1105. */
  readonly code: number;
  readonly message: string;
}

const CODE_WITHOUT_NUMBER = 1105;

export function note(code: number, message: string): StatementNote {
  return { level: 'Note', code, message };
}

/** A note of ours that MySQL has no number for. */
export function ownNote(message: string): StatementNote {
  return { level: 'Note', code: CODE_WITHOUT_NUMBER, message };
}

/** A warning of ours that MySQL has no number for. */
export function warning(message: string): StatementNote {
  return { level: 'Warning', code: CODE_WITHOUT_NUMBER, message };
}
