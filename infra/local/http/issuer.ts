import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jwtVerify, SignJWT } from 'jose';

const ISSUER = 'strata-embedded';
const AUDIENCE = 'strata';
const TOKEN_LIFE = '24h';

export interface Claims {
  sub: string;
  roles: string[];
  tenant_id?: string;
}

/** The embedded cloud's own token issuer, in the place of Cognito. Its key lies in the data folder, or in memory. */
export class Issuer {
  private readonly key: Uint8Array;

  constructor(folder?: string) {
    const file = folder && join(folder, 'issuer.key');
    if (file && existsSync(file)) this.key = readFileSync(file);
    else {
      this.key = randomBytes(32);
      if (file) writeFileSync(file, this.key, { mode: 0o600 });
    }
  }

  sign(claims: Claims): Promise<string> {
    const { sub, ...rest } = claims;
    return new SignJWT(rest)
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(sub)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(TOKEN_LIFE)
      .sign(this.key);
  }

  /** The claims of a valid token, or undefined: what the gateway's authoriser would pass on. */
  async verify(header: string | null): Promise<Record<string, unknown> | undefined> {
    const token = /^Bearer (.+)$/i.exec(header ?? '')?.[1];
    if (!token) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.key, {
        issuer: ISSUER,
        audience: AUDIENCE,
        algorithms: ['HS256'],
      });
      return payload;
    } catch {
      return undefined;
    }
  }
}
