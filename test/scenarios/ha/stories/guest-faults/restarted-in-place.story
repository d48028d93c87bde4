The guest of a VM crashes and is restarted on the spot: a new process on the same host, the same disks, nobody else noticed.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: faultProcess reboot
vm other on h1

at 2s: write web block 1 "before the blue screen"
at 10s: fault guest-crash web
run until quiet
expect web runs on h1 with a newer epoch; web back within 60s; web block 1 reads "before the blue screen"
expect other untouched; incident of web closed; incident of h1 none; no alarm
