import { Logger } from '@aws-lambda-powertools/logger';

/** Structured logging. The level comes from POWERTOOLS_LOG_LEVEL (default INFO). */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** A logger of one function; every line carries its name. */
export function makeLog(serviceName: string): Log {
  const logger = new Logger({ serviceName });
  return {
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, fields = {}) => logger.error(message, fields),
  };
}

/** For tests, and wherever nobody reads. */
export const silent: Log = { info() {}, warn() {}, error() {} };
