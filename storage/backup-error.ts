/** Why a backup or restore was not done, where nothing is damaged: another node's folder, a cancellation. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code = 'TWINTIDE_BACKUP';
}
