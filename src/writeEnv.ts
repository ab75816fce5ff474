/** `npm run env`: writes `env/.env.example` from the configuration's own description. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample } from './config/config.ts';
import { root } from './root.ts';

writeFileSync(join(root, 'env', '.env.example'), envExample());
