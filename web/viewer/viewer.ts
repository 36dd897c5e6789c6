/** A placeholder until the viewer is built. */

export {};
