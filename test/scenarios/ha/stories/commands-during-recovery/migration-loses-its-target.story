The target of a live migration dies in the middle of the copy: the VM runs on where it is, and the migration has failed.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: 2 GiB, writes 64 MiB/s

at 10s: migrate web to h2
at 16s: fault host-power-loss h2
run until quiet
expect web untouched; alarm host-dead on h2; no other alarm; h2 fenced
