The source of a live migration dies in the middle of the copy: the VM is recovered, and runs once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: 2 GiB, writes 64 MiB/s

at 2s: write web block 1 "whole"
at 10s: migrate web to h2
at 16s: fault host-power-loss h1
run until quiet
expect web runs elsewhere with a newer epoch; web block 1 reads "whole"; alarm host-dead on h1; no other alarm
