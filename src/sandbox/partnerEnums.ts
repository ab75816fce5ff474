/**
 * The exact words of Partner Center: enumerations, the paths a patch may touch, and which status may follow which (shared
 * contract, vectors/enums.json and partner-status-transitions.json). Only data; it must not do anything.
 */

export const statuses = ['None', 'New', 'Active', 'Closed'] as const;

export const substatuses = ['None', 'Pending', 'Received', 'Accepted', 'Won', 'Lost', 'Declined', 'Expired'] as const;

export const types = ['Independent', 'Shared'] as const;

export const qualifications = ['None', 'Direct', 'MarketingQualified', 'SalesQualified'] as const;

export const solutionTypes = ['None', 'Category', 'Name'] as const;

export const targetTypes = ['None', 'BusinessProfileLocation', 'SolutionProfile'] as const;

export const customerSizes = [
  '1to50employees',
  '51to500employees',
  'Morethan500employees',
  '1to9employees',
  '10to50employees',
  '51to250employees',
  '251to1000employees',
  '1001to5000employees',
  '5001to10000employees',
  '10001to20000employees',
  'Morethan20000employees',
] as const;

export const assistanceCodes = [
  'Unknown',
  'GeneralOrOther',
  'CustomerTechnicalArchitecture',
  'ProofOfConceptOrDemo',
  'QuotesOrLicensing',
  'PostSalesCustomerSuccess',
  'WorkloadSpecificValueProposition',
] as const;

export const salesStages = ['Qualify', 'Develop', 'Propose', 'Close'] as const;

export const profileTypes = ['Duns', 'External'] as const;

export const patchPaths = [
  '/campaignId',
  '/consent/consentToShareReferralWithMicrosoftSellers',
  '/customerProfile/team',
  '/customerProfile/team/-',
  '/details/closingDateTime',
  '/details/currency',
  '/details/dealValue',
  '/details/notes',
  '/details/requirements/solutions',
  '/details/requirements/solutions/-',
  '/externalReferenceId',
  '/referralProgram',
  '/salesStage',
  '/status',
  '/substatus',
  '/statusReason',
  '/team',
  '/team/-',
] as const;

export const webhookEvents = ['referral-created', 'referral-updated', 'test-created'] as const;

export const products = [
  'Azure',
  'EnterpriseMobilityAndSecurity',
  'Exchange',
  'DeveloperTools',
  'Dynamics365Business',
  'Dynamics365Enterprise',
  'DynamicsAX,GP,NAV,SL',
  'Microsoft365',
  'Office',
  'PowerBI',
  'Project',
  'SharePoint',
  'SkypeForBusiness',
  'Surface',
  'SurfaceHub',
  'SQL',
  'Teams',
  'Visio',
  'Windows',
  'Yammer',
] as const;

export const services = [
  'ConsultingAndProfessional',
  'CustomSolution(ISV)',
  'DeploymentOrMigration',
  'Hardware',
  'Integration',
  'IPServices(ISV)',
  'LearningAndCertification',
  'Licensing',
  'ManagedServices',
  'ProjectServices',
] as const;

export const industries = [
  'Agriculture, Forestry, & Fishing',
  'Communications & Media',
  'Education',
  'Financial Services',
  'Government',
  'Healthcare',
  'Hospitality',
  'Manufacturing',
  'Power & Utilities',
  'Public Safety and National Security',
  'Retail & Consumer Goods',
  'Services',
  'Travel & Transportation',
  'Wholesale & Distribution',
] as const;

export const categorySolutions = [
  'AdvancedAnalytics',
  'ApplicationIntegration',
  'ArtificialIntelligence',
  'AzureSecurityOperationManagement',
  'AzureStack',
  'BackupDisasterRecovery',
  'BigData',
  'Blockchain',
  'Chatbot',
  'CloudDatabaseMigration',
  'CloudMigration',
  'CloudVoice',
  'CognitiveServices',
  'CompetitiveDatabaseMigration',
  'Containers',
  'DataWarehouse',
  'DatabaseonLinux',
  'DevelopmentandTest',
  'DevOps',
  'DigitalMedia',
  'Dynamics365forCustomerService',
  'Dynamics365forFieldService',
  'Dynamics365forFinanceOperations',
  'Dynamics365forRetail',
  'Dynamics365forSales',
  'Dynamics365forTalent',
  'DynamicsonAzure',
  'EnterpriseBusinessIntelligence',
  'Gaming',
  'HighPerformanceComputing',
  'HybridStorage',
  'IdentityandAccessManagement',
  'InformationManagement',
  'InternetofThings',
  'MachineLearning',
  'Microserviceapplications',
  'MobileApplications',
  'MySQLPostgresMigrationtoAzure',
  'Networking',
  'NoSQLMigration',
  'RedhatonAzure',
  'RegulatoryComplianceGDPR',
  'SAPonAzure',
  'ServerlessComputing',
  'SharepointonAzure',
  'SQLServerUpgrade',
  'ThreatProtection',
  'WebDevelopment',
] as const;

/** Where each status may go. */
export const nextStatuses: Readonly<Record<string, readonly string[]>> = {
  New: ['New', 'Active', 'Closed'],
  Active: ['Active', 'Closed'],
  Closed: ['Closed'],
};

/** Which substatus each status may have. */
export const substatusesOf: Readonly<Record<string, readonly string[]>> = {
  New: ['Pending', 'Received'],
  Active: ['Accepted'],
  Closed: ['Won', 'Lost', 'Declined', 'Expired'],
};
