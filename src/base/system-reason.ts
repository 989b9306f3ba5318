/** Failed system calls in words for people. */

const REASONS: Record<string, string> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of the path is not a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
  EEXIST: "it is a file, not a directory",
  EFBIG: "the file would be larger than this process may write",
  ENOSPC: "no space left on the device",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ERR_INVALID_ARG_VALUE: "the path contains a null byte",
};

/** Why a system call failed, without its code, call and path. */
export function systemReason(error: unknown): string {
  const { code } = error as { code?: string };
  const known = code === undefined ? undefined : REASONS[code];
  return known ?? (error instanceof Error ? error.message : String(error));
}
