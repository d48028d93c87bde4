All disks of a VM are there again after its recovery, those of the user included, under its newest epoch.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm db on h1: 4 vCPU, 8 GiB, data disk 7 GiB, log disk 3 GiB

at 2s: write db block 9 "row 9"
at 10s: fault host-power-loss h1
at 100s: write db block 10 "row 10"
run until quiet
expect db runs elsewhere with a newer epoch; db block 9 reads "row 9"; db block 10 reads "row 10"
