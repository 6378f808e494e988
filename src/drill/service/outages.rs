//! The outages of the moment: dependencies that fail, the load of users, faults of the database.

use super::events::{Dependency, ServiceEvent, StartFailure};
use super::ocm::{OcmCall, OcmFailure};
use crate::database::DatabaseFault;

/// More requests of users than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Of all pods together.
    pub requests_per_minute: u32,
    /// Of one process.
    pub capacity: u32,
}

/// The progress of the clusters that OCM builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Builds {
    #[default]
    Well,
    Hang,
    Fail,
}

/// All outages of the moment.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    ocm: Option<OcmFailure>,
    ocm_dns: Option<OcmFailure>,
    ocm_syncsets: Option<OcmFailure>,
    /// The first attempt of every call to OCM fails in this way, and the SDK's second succeeds.
    pub ocm_retried: Option<OcmFailure>,
    pub builds: Builds,
    pub dns_name_empty: bool,
    pub sso: bool,
    pub observatorium: bool,
    pub route53: bool,
    pub data_plane: bool,
    pub start: Option<StartFailure>,
    pub load: Option<Load>,
    pub database: Option<DatabaseFault>,
}

impl Outages {
    /// How a call to OCM fails, if it does.
    pub fn ocm(&self, call: OcmCall) -> Option<OcmFailure> {
        let part = match call {
            OcmCall::DnsName => self.ocm_dns,
            OcmCall::Syncset => self.ocm_syncsets,
            OcmCall::Create | OcmCall::Status | OcmCall::AddOn => None,
        };
        self.ocm.or(part)
    }

    /// Applies an event that concerns no single process.
    pub fn take_in(&mut self, event: &ServiceEvent) {
        match *event {
            ServiceEvent::Ocm(failure) => self.ocm = Some(failure),
            ServiceEvent::OcmDns(failure) => self.ocm_dns = Some(failure),
            ServiceEvent::OcmSyncsets(failure) => self.ocm_syncsets = Some(failure),
            ServiceEvent::OcmRetried(failure) => self.ocm_retried = Some(failure),
            ServiceEvent::BuildsHang => self.builds = Builds::Hang,
            ServiceEvent::BuildsFail => self.builds = Builds::Fail,
            ServiceEvent::DnsNameEmpty => self.dns_name_empty = true,
            ServiceEvent::SsoFails => self.sso = true,
            ServiceEvent::ObservatoriumFails => self.observatorium = true,
            ServiceEvent::Route53Fails => self.route53 = true,
            ServiceEvent::DataPlaneHangs => self.data_plane = true,
            ServiceEvent::StartFails(failure) => self.start = Some(failure),
            ServiceEvent::Recovers(dependency) => self.recover(dependency),
            ServiceEvent::Load {
                requests_per_minute,
                capacity,
            } => {
                self.load = Some(Load {
                    requests_per_minute,
                    capacity,
                });
            }
            ServiceEvent::LoadEnds => self.load = None,
            ServiceEvent::DatabaseErrors(_)
            | ServiceEvent::StaleReads
            | ServiceEvent::RequestsFail
            | ServiceEvent::ElectionBlocks(_)
            | ServiceEvent::ElectionGoesOn
            | ServiceEvent::LeaderKilled(_)
            | ServiceEvent::Maintenance(_)
            | ServiceEvent::ClockSkew { .. } => {}
        }
    }

    /// Whether a dependency fails or the database does.
    pub fn is_any(&self) -> bool {
        let of_ocm = [self.ocm, self.ocm_dns, self.ocm_syncsets, self.ocm_retried];
        of_ocm.iter().any(Option::is_some)
            || self.builds != Builds::Well
            || self.dns_name_empty
            || self.sso
            || self.observatorium
            || self.route53
            || self.data_plane
            || self.start.is_some()
            || self.database.is_some()
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

    /// How much of its capacity each of `serving` processes needs, in percent; 0 without a load.
    pub fn used_percent(&self, serving: usize) -> u64 {
        let Some(load) = self.load else {
            return 0;
        };
        let all = u64::from(load.capacity.max(1)) * serving.max(1) as u64;
        u64::from(load.requests_per_minute) * 100 / all
    }
}
