// Installs the packages when they are missing or older than the lock file, so that `npm test`, `npm run demo` and the
// others work on a fresh clone. Plain JavaScript: nothing is installed yet when it runs.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Name and version of every package a lock file holds, optional ones of other platforms left out. */
function packages(file) {
  try {
    const { packages } = JSON.parse(readFileSync(file, 'utf8'));
    return new Map(Object.entries(packages).flatMap(([name, { version, optional }]) => (name === '' || optional ? [] : [[name, version]])));
  } catch {
    return null;
  }
}

const wanted = packages(join(root, 'package-lock.json'));
const present = packages(join(root, 'node_modules', '.package-lock.json'));
const missing = !wanted || !present || [...wanted].some(([name, version]) => present.get(name) !== version);
if (missing) {
  process.stdout.write('Installing packages …\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    process.stderr.write('The packages could not be installed; npm says above why.\n');
    process.exit(status ?? 1);
  }
}
