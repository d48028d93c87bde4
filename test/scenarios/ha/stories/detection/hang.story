A host hangs: silent on both channels but not off. It is switched off before anything starts elsewhere.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 2s: write web-1 block 3 "old"
at 10s: fault host-hang h1
at 90s: write web-1 block 3 "from the dead" from h1
run until quiet
expect web run elsewhere with a newer epoch; web back within 60s
expect web-1 block 3 reads "old"; h1 fenced by 25s
