import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { type BuildOptions, build, buildSync } from 'esbuild';

/** The project's folder; entries and definitions are named relative to it. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OUTPUT = 'index.mjs';

/** How the SDK finds credentials on a laptop. A function has them in its environment, and these are imported on demand. */
const NEVER_ON_LAMBDA = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
];

/**
 * How every function is bundled. `module` before `main` because the default order takes the CommonJS builds of the SDK:
 * a fifth more bytes and a third more import time. The banner serves the few CommonJS packages that require a built-in.
 */
const options = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  external: NEVER_ON_LAMBDA,
  // For Node this package offers CommonJS alone, of which nothing can be left out: 80 KB more than its modules.
  alias: { yaml: join(ROOT, 'node_modules/yaml/browser/index.js') },
  minify: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'error',
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
} satisfies BuildOptions;

/** Bundles an entry in memory, exactly as it is deployed, and says how large its code is. */
export async function bundle(entry: string): Promise<{ bytes: number }> {
  const { outputFiles } = await build({ ...options, entryPoints: [entry], outfile: OUTPUT, write: false });
  const code = outputFiles.find((file) => file.path.endsWith(OUTPUT));
  if (!code) throw new Error(`The bundle of ${entry} has no code.`);
  return { bytes: code.contents.byteLength };
}

/** Writes the bundle of an entry into a folder, and says where its module is. */
export function writeBundle(entry: string, folder: string): string {
  const outfile = join(folder, OUTPUT);
  buildSync({ ...options, entryPoints: [entry], outfile });
  return outfile;
}

/** The deployed code of an entry: bundled by the esbuild of this project, never in a container. */
export function codeOf(entry: string): Code {
  return Code.fromAsset(join(ROOT, dirname(entry)), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('never-used'),
      // Never run. It tells two entries of one folder apart in the cache of assets, whose key is made of these options.
      command: [entry],
      local: {
        tryBundle(folder: string): boolean {
          writeBundle(entry, folder);
          return true;
        },
      },
    },
  });
}
