/** The package brings no types along. It writes into the machine that it is given. */
declare module 'asl-validator' {
  export default function validate(machine: object): { isValid: boolean; errorsText(separator?: string): string };
}
