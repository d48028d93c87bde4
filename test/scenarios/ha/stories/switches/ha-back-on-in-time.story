HA of a VM is off, and on again before its host fails: only what stands there then counts.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: ha off

at 5s: set web: ha on
at 30s: fault host-power-loss h1
run until quiet
expect web runs elsewhere with a newer epoch
