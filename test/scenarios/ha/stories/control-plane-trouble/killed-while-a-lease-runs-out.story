The control plane is killed while it waits for a lease to run out. It goes on where it was, and not a second too early.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault bmc-unreachable h1; fault management-partition h1; fault storage-partition h1
at 60s: kill the control plane
run until quiet
expect web starts elsewhere after 129s; web starts elsewhere before 145s; web runs elsewhere with a newer epoch
