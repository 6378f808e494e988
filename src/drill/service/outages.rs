//! What the service depends on and does not get at the moment.

use super::events::{Dependency, ServiceHappening, StartFailure};
use super::ocm::{Call, Failure};
use crate::database::Fault;

/// Users who ask more than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Of all pods together.
    pub requests_per_minute: u32,
    /// Of one process.
    pub capacity: u32,
}

/// How clusters get on that OCM builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Builds {
    #[default]
    Well,
    Hang,
    Fail,
}

/// All that is wrong at one moment.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    ocm: Option<Failure>,
    ocm_dns: Option<Failure>,
    ocm_syncsets: Option<Failure>,
    /// The first attempt of every call to OCM fails so, and the SDK's second succeeds.
    pub ocm_retried: Option<Failure>,
    pub builds: Builds,
    pub dns_name_empty: bool,
    pub sso: bool,
    pub observatorium: bool,
    pub route53: bool,
    pub data_plane: bool,
    pub start: Option<StartFailure>,
    pub load: Option<Load>,
    pub database: Option<Fault>,
}

impl Troubles {
    /// How a call to OCM fails, if it does.
    pub fn ocm(&self, call: Call) -> Option<Failure> {
        let part = match call {
            Call::DnsName => self.ocm_dns,
            Call::Syncset => self.ocm_syncsets,
            Call::Create | Call::Status | Call::AddOn => None,
        };
        self.ocm.or(part)
    }

    /// Takes in what concerns no single process.
    pub fn take_in(&mut self, happening: &ServiceHappening) {
        match *happening {
            ServiceHappening::Ocm(failure) => self.ocm = Some(failure),
            ServiceHappening::OcmDns(failure) => self.ocm_dns = Some(failure),
            ServiceHappening::OcmSyncsets(failure) => self.ocm_syncsets = Some(failure),
            ServiceHappening::OcmRetried(failure) => self.ocm_retried = Some(failure),
            ServiceHappening::BuildsHang => self.builds = Builds::Hang,
            ServiceHappening::BuildsFail => self.builds = Builds::Fail,
            ServiceHappening::DnsNameEmpty => self.dns_name_empty = true,
            ServiceHappening::SsoFails => self.sso = true,
            ServiceHappening::ObservatoriumFails => self.observatorium = true,
            ServiceHappening::Route53Fails => self.route53 = true,
            ServiceHappening::DataPlaneHangs => self.data_plane = true,
            ServiceHappening::StartFails(failure) => self.start = Some(failure),
            ServiceHappening::Recovers(dependency) => self.recover(dependency),
            ServiceHappening::Load {
                requests_per_minute,
                capacity,
            } => {
                self.load = Some(Load {
                    requests_per_minute,
                    capacity,
                });
            }
            ServiceHappening::LoadEnds => self.load = None,
            ServiceHappening::DatabaseErrors(_)
            | ServiceHappening::StaleReads
            | ServiceHappening::RequestsFail
            | ServiceHappening::ElectionBlocks(_)
            | ServiceHappening::ElectionGoesOn
            | ServiceHappening::LeaderKilled(_)
            | ServiceHappening::Maintenance(_)
            | ServiceHappening::ClockSkew { .. } => {}
        }
    }

    fn recover(&mut self, dependency: Dependency) {
        match dependency {
            Dependency::Ocm => {
                (self.ocm, self.ocm_dns, self.ocm_syncsets) = (None, None, None);
                self.ocm_retried = None;
            }
            Dependency::Builds => self.builds = Builds::Well,
            Dependency::DnsNames => self.dns_name_empty = false,
            Dependency::Sso => self.sso = false,
            Dependency::Observatorium => self.observatorium = false,
            Dependency::Route53 => self.route53 = false,
            Dependency::DataPlane => self.data_plane = false,
            Dependency::Start => self.start = None,
        }
    }

    /// How much of its capacity each of so many processes needs, in percent; 0 without a load.
    pub fn used_percent(&self, serving: usize) -> u64 {
        let Some(load) = self.load else {
            return 0;
        };
        let all = u64::from(load.capacity.max(1)) * serving.max(1) as u64;
        u64::from(load.requests_per_minute) * 100 / all
    }
}
