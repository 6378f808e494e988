//! The last words of a Go process: panics and glog's fatal lines, with their stacks.

/// The exit code of a process that panicked.
pub const PANIC_EXIT: i32 = 2;
/// The exit code of a process after `glog.Fatal`.
pub const FATAL_EXIT: i32 = 255;

const PACKAGE: &str = "gitlab.cee.redhat.com/service/managed-services-api";

fn frame(function: &str, file: &str, line: u32, offset: &str) -> String {
    format!("{PACKAGE}/{function}\n\t/go/src/{PACKAGE}/{file}:{line} +{offset}\n")
}

/// The leader's panic on a cluster without a DNS name: it calls a method of a nil error.
pub fn nil_dns_name() -> String {
    let mut text = "panic: runtime error: invalid memory address or nil pointer dereference\n\
         [signal SIGSEGV: segmentation violation code=0x1 addr=0x10 pc=0x15a1c46]\n\n\
         goroutine 113 [running]:\n"
        .to_owned();
    text += &frame(
        "pkg/errors.(*ServiceError).Error(0x0, 0xc0004f1b60, 0x24)",
        "pkg/errors/errors.go",
        204,
        "0x26",
    );
    text += &frame(
        "pkg/workers.(*ClusterManager).reconcile(0xc000376a80)",
        "pkg/workers/clusters_mgr.go",
        200,
        "0x9d5",
    );
    text += &frame(
        "pkg/workers.(*Reconciler).Start.func1(0xc00012a5d0, 0x1d8a3a0, 0xc000376a80)",
        "pkg/workers/reconciler.go",
        32,
        "0x1b1",
    );
    text += "created by ";
    text += &frame(
        "pkg/workers.(*Reconciler).Start",
        "pkg/workers/reconciler.go",
        25,
        "0x1c3",
    );
    text.trim_end().to_owned()
}

/// A fatal error of Go's runtime, which no handler of panics can recover: two goroutines wrote one map.
pub fn concurrent_maps() -> String {
    let mut text = "fatal error: concurrent map writes\n\n\
         goroutine 2481 [running]:\n\
         runtime.throw(0x1a62f0b, 0x15)\n\
         \t/usr/local/go/src/runtime/panic.go:1116 +0x72 fp=0xc000a3d4c8 sp=0xc000a3d498 pc=0x4371f2\n\
         runtime.mapassign_faststr(0x17d7c20, 0xc0003f8b10, 0xc0006a4e40, 0x1b, 0xc000a3d5a8)\n\
         \t/usr/local/go/src/runtime/map_faststr.go:211 +0x3f1 fp=0xc000a3d530 sp=0xc000a3d4c8 pc=0x415a11\n"
        .to_owned();
    text += &frame(
        "pkg/logger.(*logger).prepareLogPrefix(0xc0004d2f00, 0x1a5f3c1, 0x2, 0x0, 0x0, 0x0, 0x0, 0x0)",
        "pkg/logger/logger.go",
        58,
        "0x1c7",
    );
    text += "created by net/http.(*Server).Serve\n\t/usr/local/go/src/net/http/server.go:2969 +0x36c";
    text
}

/// A panic of the main goroutine while the process starts.
pub fn at_start(message: &str) -> String {
    let mut text = format!("panic: {message}\n\ngoroutine 1 [running]:\n");
    text += &frame(
        "pkg/db.NewConnectionFactory(0xc0001d6000, 0xc0003bd9f8)",
        "pkg/db/connection.go",
        43,
        "0x4e5",
    );
    text += &frame(
        "cmd/managed-services-api/environments.(*Env).LoadClients(0x2a3e5c0)",
        "cmd/managed-services-api/environments/environment.go",
        158,
        "0x6a",
    );
    text += &frame(
        "cmd/managed-services-api/environments.(*Env).Initialize(0x2a3e5c0, 0x0, 0x0)",
        "cmd/managed-services-api/environments/environment.go",
        97,
        "0x2d8",
    );
    text += &frame(
        "cmd/managed-services-api/servecmd.runServe(0xc000319b80, 0xc00035b460, 0x0, 0x2)",
        "cmd/managed-services-api/servecmd/cmd.go",
        52,
        "0x7d",
    );
    text += "main.main()\n\t/go/src/gitlab.cee.redhat.com/service/managed-services-api/cmd/managed-services-api/main.go:45 +0x2f1";
    text
}

/// What glog writes after an F line: the stacks of all goroutines.
pub fn all_goroutines() -> String {
    let mut text = "goroutine 1 [running]:\n\
         github.com/golang/glog.stacks(0xc000130000, 0xc0004ae000, 0x9f, 0xeb)\n\
         \t/go/pkg/mod/github.com/golang/glog@v0.0.0-20160126235308-23def4e6c14b/glog.go:769 +0xb8\n\
         github.com/golang/glog.Fatalf(0x1a5d2c4, 0x24, 0xc0003bde48, 0x1, 0x1)\n\
         \t/go/pkg/mod/github.com/golang/glog@v0.0.0-20160126235308-23def4e6c14b/glog.go:1148 +0x67\n"
        .to_owned();
    text += &frame(
        "cmd/managed-services-api/servecmd.runServe(0xc000319b80, 0xc00035b460, 0x0, 0x2)",
        "cmd/managed-services-api/servecmd/cmd.go",
        54,
        "0x2e4",
    );
    text += "\ngoroutine 19 [chan receive]:\n\
         github.com/golang/glog.(*loggingT).flushDaemon(0x2a5f1a0)\n\
         \t/go/pkg/mod/github.com/golang/glog@v0.0.0-20160126235308-23def4e6c14b/glog.go:882 +0x8b";
    text
}
