A host loses power: its VMs run elsewhere, each with a newer epoch, and what their guests wrote is there.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1: 2 vCPU, 4 GiB
vm db on h2

at 2s: write web-1 block 7 "before the fault"
at 10s: fault host-power-loss h1
run until quiet
expect web run elsewhere with a newer epoch; db untouched
expect h1 fenced by 23s; web back within 60s
expect web-1 block 7 reads "before the fault"
