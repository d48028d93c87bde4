/**
 * Every constant of the physics, with its unit, and its source or the word "declared": no public figure was found, or
 * several are possible, and this one was chosen. A figure that is not here follows from others.
 */

// ---- CPU ----

// ---- Memory: translation and pages ----

// ---- Memory: overcommit ----

// ---- I/O ----

// ---- Network and disk QoS ----

// ---- CPU and memory QoS ----

// ---- NUMA ----

// ---- Migration ----
